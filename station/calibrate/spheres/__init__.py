"""Chrome spheres: outlines and reflections, for the rig and for anyone's photographs."""

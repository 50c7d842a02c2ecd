#version 300 es
// The card under one near light: power * cos(angle to axis)^lobe / distance^2 * albedo * (n . l).
precision highp float;
precision highp int;

uniform sampler2D normals;
uniform sampler2D albedo;     // an sRGB texture: reading it gives linear values
uniform vec2 canvas_px;
uniform vec2 size_px;       // of the map
uniform vec2 size_mm;       // of the map, centred on the card
uniform vec2 origin_px;     // of the map's top left corner on the canvas
uniform float scale;        // canvas pixels per map pixel
uniform vec3 light_mm;
uniform vec3 light_axis;
uniform vec3 light_colour;  // exposure included
uniform float brightness;   // of clay, which needs no exposure
uniform float light_lobe;
uniform float relief;
uniform float gloss;
uniform int mode;           // 0 colour, 1 clay, 2 albedo, 3 normals
uniform bool linear_out;
uniform bool only;
uniform vec2 loupe_px;      // centre on the canvas
uniform vec2 loupe_at;      // what it shows there, in map pixels
uniform float loupe_radius; // 0: no loupe
uniform float loupe_scale;

out vec4 colour;

const float STEPS = 511.0;
const vec3 CLAY = vec3(0.36, 0.35, 0.335); // of a flat place, wherever the light stands

struct Surface {
  vec2 slope; // x and y of the unit normal
  vec3 albedo;
  float measured;
};

vec3 to_linear(vec3 c) {
  return mix(c / 12.92, pow((c + 0.055) / 1.055, vec3(2.4)), step(0.04045, c));
}

vec3 to_srgb(vec3 c) {
  c = clamp(c, 0.0, 1.0);
  return mix(12.92 * c, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
}

Surface at(ivec2 pixel) {
  pixel = clamp(pixel, ivec2(0), ivec2(size_px) - 1);
  ivec3 code = ivec3(texelFetch(normals, pixel, 0).rgb * 255.0 + 0.5);
  vec2 root = vec2((code.rg << 2) | ivec2((code.b >> 2) & 3, code.b & 3)) - 512.0;
  root /= STEPS;
  float measured = code.b == 255 ? 0.0 : 1.0;
  return Surface(sign(root) * root * root * measured, texelFetch(albedo, pixel, 0).rgb, measured);
}

Surface blend(Surface a, Surface b, float t) {
  return Surface(mix(a.slope, b.slope, t), mix(a.albedo, b.albedo, t), mix(a.measured, b.measured, t));
}

Surface between(vec2 place) {
  vec2 corner = place - 0.5;
  ivec2 low = ivec2(floor(corner));
  vec2 t = corner - vec2(low);
  Surface upper = blend(at(low), at(low + ivec2(1, 0)), t.x);
  Surface lower = blend(at(low + ivec2(0, 1)), at(low + ivec2(1, 1)), t.x);
  return blend(upper, lower, t.y);
}

vec3 normal_of(vec2 slope) {
  vec3 n = vec3(slope, sqrt(max(0.0, 1.0 - dot(slope, slope))));
  return normalize(vec3(n.xy * relief, max(n.z, 1e-4)));
}

vec3 lit(Surface s, vec2 place) {
  vec3 n = normal_of(s.slope);
  if (mode == 3) return to_linear(0.5 + 0.5 * n);
  if (mode == 2) return s.albedo;
  if (mode == 1) {
    vec3 far = normalize(light_mm);
    return brightness * CLAY * max(dot(n, far), 0.0) / max(far.z, 0.05);
  }
  vec2 at_mm = (place / size_px - 0.5) * size_mm * vec2(1.0, -1.0);
  vec3 ray = light_mm - vec3(at_mm, 0.0);
  float distance = length(ray);
  vec3 l = ray / distance;
  float lobe = light_lobe == 0.0 ? 1.0 : pow(max(dot(-l, light_axis), 0.0), light_lobe);
  vec3 arriving = light_colour * lobe / (distance * distance);
  vec3 matte = s.albedo * max(dot(n, l), 0.0);
  float shine = gloss == 0.0 ? 0.0 : gloss * pow(max(dot(n, normalize(l + vec3(0.0, 0.0, 1.0))), 0.0), 90.0);
  return arriving * (matte + shine);
}

vec3 not_measured(vec2 px) {
  if (only) return vec3(0.0);
  float stripe = step(0.5, fract((px.x + px.y) / 9.0));
  return mix(vec3(0.008), vec3(0.024), stripe);
}

// rgb premultiplied by a, the share of the card in this place
vec4 card(vec2 place, vec2 px, bool native) {
  if (any(lessThan(place, vec2(0.0))) || any(greaterThanEqual(place, size_px))) return vec4(0.0);
  Surface s;
  if (native) s = at(ivec2(floor(place))); else s = between(place);
  if (s.measured < 0.5) return vec4(not_measured(px), 1.0);
  return vec4(lit(s, place), 1.0);
}

void main() {
  vec2 px = vec2(gl_FragCoord.x, canvas_px.y - gl_FragCoord.y);
  vec4 sum = vec4(0.0);
  if (loupe_radius > 0.0 && distance(px, loupe_px) < loupe_radius) {
    sum = card(loupe_at + (px - loupe_px) / loupe_scale, px, true);
    sum.a = 1.0;
  } else {
    // averaging the light of several places, not their normals, is what a camera of this resolution does
    int count = int(clamp(floor(1.0 / scale + 0.5), 1.0, 4.0));
    for (int i = 0; i < count; i++) for (int j = 0; j < count; j++) {
      vec2 offset = (vec2(i, j) + 0.5) / float(count) - 0.5;
      sum += card((px + offset - origin_px) / scale, px, count > 1);
    }
    sum /= float(count * count);
  }
  if (only) sum.a = 1.0;
  vec3 light = sum.a > 0.0 ? sum.rgb / sum.a : vec3(0.0);
  vec3 shown = linear_out ? clamp(light, 0.0, 1.0) : to_srgb(light);
  colour = vec4(shown * sum.a, sum.a);
}

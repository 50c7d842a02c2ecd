"""Is a taken stack worth keeping? Looked at before it is stored and before the card is given back."""

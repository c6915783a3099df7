"""An objector's identity, planted in everything they hand in, and looked for wherever anything is kept or said."""

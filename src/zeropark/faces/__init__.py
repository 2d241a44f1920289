"""What a person sees: commands, reports, catalogues of words. No arithmetic happens here."""

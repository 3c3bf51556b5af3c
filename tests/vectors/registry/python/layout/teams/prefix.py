PREFIX: str = "growth_"

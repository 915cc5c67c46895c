"""The process of a slot: where the functions of Python stages run. Started by the engine; nothing here is for users."""

"""The rules that a recorded history must satisfy."""

"""The pure part: money, kinds, facilities, legs, events, errors. It imports nothing of ours."""

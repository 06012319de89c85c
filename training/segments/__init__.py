"""Value tier x life stage x behaviour: chosen, named, judged, listed."""

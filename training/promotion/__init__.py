"""What is checked before a version becomes champion."""

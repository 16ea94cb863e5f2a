"""When and by whom it is sent: the plan (pure pacing), the users (Locust), the drive."""

"""What every resource shares on the way in and out."""

# placeholder, filled by the room

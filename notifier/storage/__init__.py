"""The database: schema, migrations, and one store for each room, all behind the rooms' own Protocols."""

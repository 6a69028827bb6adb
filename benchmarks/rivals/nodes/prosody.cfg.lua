-- A server for one run, on loopback alone; texts are kept in an archive (MAM).
run_as_root = true
pidfile = "@FOLDER@/prosody.pid"
data_path = "@FOLDER@/data"
interfaces = { "127.0.0.1" }
c2s_ports = { @PORT@ }
s2s_ports = {}
http_ports = {}
https_ports = {}
modules_enabled = { "roster", "saslauth", "tls", "disco", "pep", "carbons", "smacks", "mam", "ping" }
modules_disabled = { "s2s" }
authentication = "internal_plain"
storage = { archive = "sql" }
default_storage = "internal"
sql = { driver = "SQLite3", database = "prosody.sqlite" }
archive_expires_after = "never"
max_archive_query_results = 250
c2s_require_encryption = true
c2s_stanza_size_limit = 10 * 1024 * 1024
limits = { c2s = { rate = "1gb/s", burst = "10s" } }
log = { warn = "*console" }
VirtualHost "localhost"
ssl = { key = "@FOLDER@/key.pem", certificate = "@FOLDER@/cert.pem" }
Component "conference.localhost" "muc"
modules_enabled = { "muc_mam" }
muc_log_by_default = true
restrict_room_creation = false
muc_room_default_public_jids = true
muc_room_locking = false

# Three roles, each a class. The differences between hosts are in data/.

node /^database/ {
  include invsys::database
}

node /^inventory/ {
  include invsys
  include invsys::services
}

node /^gateway/ {
  include invsys::gateway
}

# Everything on one host.
node /^all/ {
  include invsys::database
  include invsys
  include invsys::services
  include invsys::gateway

  Class['invsys::database'] -> Class['invsys']
}

node default {
}

# Three roles, each a class. What differs between hosts stands in data/.

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

# All of it on one host.
node /^all/ {
  include invsys::database
  include invsys
  include invsys::services
  include invsys::gateway

  Class['invsys::database'] -> Class['invsys']
}

node default {
}

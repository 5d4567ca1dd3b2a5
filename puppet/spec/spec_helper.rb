# The module path, without network: this module, the examples, and Debian's puppet-module-puppetlabs-* packages.
require 'rspec-puppet'
require 'tmpdir'

EXAMPLES = File.expand_path('../examples', __dir__)

modules = Dir.mktmpdir
at_exit { FileUtils.remove_entry(modules) }
File.symlink(File.expand_path('..', __dir__), File.join(modules, 'invsys'))

# The differences between the releases of Debian. puppet/check runs the specs for each.
RELEASES = {
  '12' => { codename: 'bookworm', full: '12.12', postgresql: '15' },
  '13' => { codename: 'trixie', full: '13.3', postgresql: '17' },
}.freeze
MAJOR = ENV.fetch('DEBIAN_RELEASE')
RELEASE = RELEASES.fetch(MAJOR)

RSpec.configure do |c|
  c.module_path = [modules, File.join(EXAMPLES, 'site'), '/usr/share/puppet/modules'].join(File::PATH_SEPARATOR)
  c.manifest = File.join(EXAMPLES, 'manifests')
  c.hiera_config = File.join(__dir__, 'fixtures', 'hiera.yaml')
  c.setup_fixtures = false
  c.strict_variables = true
  c.default_facts = {
    path: '/usr/sbin:/usr/bin',
    os: {
      'family' => 'Debian', 'name' => 'Debian', 'distro' => { 'codename' => RELEASE[:codename], 'id' => 'Debian' },
      'release' => { 'full' => RELEASE[:full], 'major' => MAJOR },
    },
    osfamily: 'Debian', operatingsystem: 'Debian', operatingsystemrelease: RELEASE[:full],
    kernel: 'Linux', id: 'root', role: 'none',
  }
end

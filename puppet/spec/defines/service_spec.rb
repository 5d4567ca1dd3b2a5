require 'spec_helper'

describe 'invsys::service' do
  let(:title) { 'depot' }
  let(:params) { { settings: sensitive('server' => { 'port' => 5002, 'host' => '::' }, 'api' => { 'strict' => true }) } }
  let(:ini) { '/etc/invsys/depot.ini' }
  let(:drop_in) { '/etc/systemd/system/depot.service.d/puppet.conf' }

  it { is_expected.to compile.with_all_deps }

  it 'writes the settings for the service alone' do
    is_expected.to contain_file(ini).with(owner: 'depot', group: 'root', mode: '0640', show_diff: false, backup: false)
    is_expected.to contain_file(ini).with_content(sensitive(<<~INI))
      ; Puppet keeps this file: what is changed here by hand is lost at its next run.

      [log]
      file = /var/log/invsys/depot/depot.log

      [database]
      url = sqlite:////var/lib/invsys/depot.sqlite3

      [server]
      port = 5002
      host = ::

      [api]
      strict = true
    INI
  end

  it 'has the settings checked and the database migrated before they are put in place' do
    is_expected.to contain_file(ini).with_validate_cmd(
      '/usr/bin/chown depot % && /usr/bin/depot-manage -c % config > /dev/null' \
      ' && /usr/bin/depot-manage -c % migrate --on-install'
    )
  end

  it 'does one thing after the other' do
    is_expected.to contain_exec('mask depot').with_creates(ini).that_comes_before('Package[depot]')
    is_expected.to contain_package('depot').that_comes_before("File[#{ini}]")
    is_expected.to contain_file(ini).that_notifies('Exec[reload depot]')
    is_expected.to contain_exec('reload depot').with_refreshonly(true).that_comes_before("File[#{drop_in}]")
    is_expected.to contain_file(drop_in).that_notifies('Service[depot]')
  end

  it 'restarts for the settings of the server only' do
    is_expected.to contain_file(drop_in).with_content(/^\[X-Settings\]\nport = 5002\nhost = ::\n\z/)
  end

  context 'with a file of the package' do
    let(:params) { { package_source: '/root/depot_0.2.0-1~deb12u1_amd64.deb' } }

    it { is_expected.to contain_package('depot').with(source: params[:package_source], ensure: '0.2.0-1~deb12u1') }
  end

  {
    'a value of two lines' => [{ settings: { 'log' => { 'level' => "info\n[server]" } } }, /settings/],
    'a section that would end early' => [{ settings: { 'log]' => { 'level' => 'info' } } }, /settings/],
    'a key that is two' => [{ settings: { 'log' => { 'level = info' => '' } } }, /settings/],
    'a list' => [{ settings: { 'jwt' => { 'algorithms' => ['RS256'] } } }, /settings/],
    'a value that is sensitive by itself' => [{ settings: { 'database' => { 'url' => RSpec::Puppet::Sensitive.new('x') } } }, /settings/],
    'a file without a version in its name' => [{ package_source: '/root/depot.deb' }, /package_source/],
    'a file of the net' => [{ package_source: 'https://apt.example/depot_0.2.0_amd64.deb' }, /package_source/],
    'a service with a path in its name' => [{ service: '../depot' }, /service/],
  }.each do |what, (wrong, named)|
    context "with #{what}" do
      let(:params) { wrong }

      it { is_expected.to compile.and_raise_error(named) }
    end
  end
end

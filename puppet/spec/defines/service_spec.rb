require 'spec_helper'

describe 'invsys::service' do
  let(:title) { 'depot' }
  let(:params) { { settings: sensitive('server' => { 'port' => 5002, 'host' => '::' }, 'api' => { 'strict' => true }) } }
  let(:ini) { '/etc/invsys/depot.ini' }
  let(:drop_in) { '/etc/systemd/system/depot.service.d/puppet.conf' }

  it { is_expected.to compile.with_all_deps }

  it 'writes settings that only the service can read' do
    is_expected.to contain_file(ini).with(owner: 'depot', group: 'root', mode: '0640', show_diff: false, backup: false)
    is_expected.to contain_file(ini).with_content(sensitive(<<~INI))
      ; Puppet manages this file, and overwrites changes at its next run.

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

  it 'checks the settings and migrates the database before it installs them' do
    is_expected.to contain_file(ini).with_validate_cmd(
      '/usr/bin/chown depot % && /usr/bin/depot-manage -c % config > /dev/null' \
      ' && /usr/bin/depot-manage -c % migrate --on-install'
    )
  end

  it 'orders package, settings, reload and service' do
    is_expected.to contain_exec('mask depot').with_creates(ini).that_comes_before('Package[depot]')
    is_expected.to contain_package('depot').that_comes_before("File[#{ini}]")
    is_expected.to contain_file(ini).that_notifies('Exec[reload depot]')
    is_expected.to contain_exec('reload depot').with_refreshonly(true).that_comes_before("File[#{drop_in}]")
    is_expected.to contain_file(drop_in).that_notifies('Service[depot]')
  end

  it 'restarts only for the settings of the server' do
    is_expected.to contain_file(drop_in).with_content(/^\[X-Settings\]\nport = 5002\nhost = ::\n\z/)
  end

  context 'with the file of a package' do
    let(:params) { { package_source: '/root/depot_0.2.0-1~deb12u1_amd64.deb' } }

    it { is_expected.to contain_package('depot').with(source: params[:package_source], ensure: '0.2.0-1~deb12u1') }
  end

  {
    'a value of two lines' => [{ settings: { 'log' => { 'level' => "info\n[server]" } } }, /settings/],
    'a section that contains a bracket' => [{ settings: { 'log]' => { 'level' => 'info' } } }, /settings/],
    'a key that contains an equals sign' => [{ settings: { 'log' => { 'level = info' => '' } } }, /settings/],
    'a list' => [{ settings: { 'jwt' => { 'algorithms' => ['RS256'] } } }, /settings/],
    'a value that is sensitive on its own' => [{ settings: { 'database' => { 'url' => RSpec::Puppet::Sensitive.new('x') } } }, /settings/],
    'a file without a version in its name' => [{ package_source: '/root/depot.deb' }, /package_source/],
    'a URL instead of a file' => [{ package_source: 'https://apt.example/depot_0.2.0_amd64.deb' }, /package_source/],
    'a service with a path in its name' => [{ service: '../depot' }, /service/],
  }.each do |description, (invalid, parameter)|
    context "with #{description}" do
      let(:params) { invalid }

      it { is_expected.to compile.and_raise_error(parameter) }
    end
  end
end

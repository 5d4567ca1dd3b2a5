require 'spec_helper'

describe 'invsys::gateway' do
  let(:params) { { settings: { 'routes' => { '/' => 'inventory', '/api/depots' => 'depot' }, 'jwt' => { 'keys' => :undef } } } }

  it { is_expected.to compile.with_all_deps }
  it { is_expected.to contain_package('invsys-gateway').with_ensure('installed').without_source }
  it { is_expected.to contain_service('invsys-gateway').with(ensure: 'running', enable: true) }

  it 'has the file of the clients, and routes with any path' do
    is_expected.to contain_file('/etc/invsys/gateway.ini').with_content(sensitive(<<~INI.gsub(/=$/, '= ')))
      ; Puppet manages this file, and overwrites changes at its next run.

      [log]
      file = /var/log/invsys/gateway/gateway.log

      [clients]
      file = /var/lib/invsys/clients.ini

      [routes]
      / = inventory
      /api/depots = depot

      [jwt]
      keys =
    INI
  end

  it 'migrates nothing' do
    is_expected.to contain_file('/etc/invsys/gateway.ini').with_validate_cmd(
      '/usr/bin/chown invsys-gateway % && /usr/bin/invsys-gateway-manage -c % config > /dev/null'
    )
  end

  it { is_expected.not_to contain_file('/var/lib/invsys/clients.ini') }
end

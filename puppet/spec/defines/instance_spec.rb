require 'spec_helper'

describe 'invsys::instance' do
  let(:title) { 'north' }
  let(:params) do
    { settings: sensitive('server' => { 'port' => 5010 }), owner_url: sensitive('postgresql://invsys_owner:secret@database.example/north') }
  end
  let(:ini) { '/etc/invsys/inventory-north.ini' }

  it { is_expected.to compile.with_all_deps }
  it { is_expected.to contain_class('invsys') }

  it 'writes settings that only the service can read, with a log and a database of the fleet' do
    is_expected.to contain_file(ini).with(owner: 'invsys', group: 'root', mode: '0640', show_diff: false, backup: false)
    is_expected.to contain_file(ini).with_content(sensitive(<<~INI)).that_requires('Package[invsys]')
      ; Puppet manages this file, and overwrites changes at its next run.

      [log]
      file = /var/log/invsys/inventory-north/inventory.log

      [database]
      url = sqlite:////var/lib/invsys/inventory-north.sqlite3

      [server]
      port = 5010
    INI
  end

  it "checks the settings and migrates the fleet's database before it installs them" do
    is_expected.to contain_file(ini).with_validate_cmd(
      '/usr/bin/chown invsys % && /usr/bin/invsys-manage -c % config > /dev/null' \
      ' && /usr/bin/invsys-manage -c % migrate --on-install'
    )
    is_expected.to contain_file('/etc/invsys/invsys@north.owner-url').with(
      owner: 'root', mode: '0600', content: sensitive("postgresql://invsys_owner:secret@database.example/north\n")
    ).that_comes_before("File[#{ini}]")
  end

  it 'reloads the instance, restarts it for the settings of the server, and enables it with its timer' do
    is_expected.to contain_file(ini).that_notifies('Exec[reload invsys@north]')
    is_expected.to contain_file('/etc/systemd/system/invsys@north.service.d/puppet.conf')
      .with_content(/^\[X-Settings\]\nport = 5010\n\z/).that_notifies('Service[invsys@north]')
    is_expected.to contain_service('invsys@north').with(ensure: 'running', enable: true)
    is_expected.to contain_service('invsys-purge@north.timer').with(ensure: 'running', enable: true)
    is_expected.to contain_service('invsys-archive@north.timer').with(ensure: 'running', enable: true)
  end

  context 'beside another instance' do
    let(:pre_condition) { "invsys::instance { 'south': }" }

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_service('invsys@south') }
  end

  %w[North north_1 ../north -north].each do |name|
    context "with the name #{name}" do
      let(:title) { name }

      it { is_expected.to compile.and_raise_error(/expects a match for Pattern/) }
    end
  end
end

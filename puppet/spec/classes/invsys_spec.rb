require 'spec_helper'

describe 'invsys' do
  it { is_expected.to compile.with_all_deps }
  it { is_expected.to contain_invsys__service('invsys').with_service('inventory') }
  it { is_expected.not_to contain_file('/etc/invsys/invsys.owner-url') }

  context 'if all fleets are instances' do
    let(:params) { { ensure: 'stopped' } }

    it { is_expected.to contain_service('invsys').with(ensure: 'stopped', enable: false) }
  end

  context 'with the certificate of an authority' do
    let(:params) { { database_ca: "PEM\n" } }

    it 'installs it before the settings are checked' do
      is_expected.to contain_file('/etc/invsys/database-ca.pem').with(mode: '0644', content: "PEM\n")
                                                                 .that_comes_before('File[/etc/invsys/inventory.ini]')
    end
  end

  context 'with the data of two layers' do
    let(:facts) { { role: 'inventory' } }

    it 'merges them, and overrides the defaults' do
      is_expected.to contain_file('/etc/invsys/inventory.ini').with_content(sensitive(<<~INI))
        ; Puppet manages this file, and overwrites changes at its next run.

        [log]
        file = /var/log/invsys/inventory/inventory.log
        level = warning

        [database]
        url = postgresql://invsys:100%secret@database.example/invsys
        connect_timeout = 5
      INI
    end

    it "writes the owner's URL, which only root can read, before the database is migrated" do
      is_expected.to contain_file('/etc/invsys/invsys.owner-url').with(
        owner: 'root', mode: '0600', show_diff: false, backup: false,
        content: sensitive("postgresql://invsys_owner:secret@database.example/invsys\n")
      ).that_comes_before('File[/etc/invsys/inventory.ini]').that_requires('Package[invsys]')
    end

    it 'has the password only in parameters that reports do not show' do
      visible = catalogue.resources.flat_map do |resource|
        names = resource.to_hash.select { |_, value| value.to_s.include?('secret') }.keys - resource.sensitive_parameters
        names.map { |name| "#{resource}: #{name}" }
      end
      expect(visible).to be_empty
    end
  end
end

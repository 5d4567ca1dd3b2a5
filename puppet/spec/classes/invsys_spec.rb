require 'spec_helper'

describe 'invsys' do
  it { is_expected.to compile.with_all_deps }
  it { is_expected.to contain_invsys__service('invsys').with_service('inventory') }
  it { is_expected.not_to contain_file('/etc/invsys/invsys.owner-url') }

  context 'with the certificate of an authority' do
    let(:params) { { database_ca: "PEM\n" } }

    it 'has it before the settings that name it are checked' do
      is_expected.to contain_file('/etc/invsys/database-ca.pem').with(mode: '0644', content: "PEM\n")
                                                                 .that_comes_before('File[/etc/invsys/inventory.ini]')
    end
  end

  context 'with the data of two layers' do
    let(:facts) { { role: 'inventory' } }

    it 'lays one over the other, and both over what is usual' do
      is_expected.to contain_file('/etc/invsys/inventory.ini').with_content(sensitive(<<~INI))
        ; Puppet keeps this file: what is changed here by hand is lost at its next run.

        [log]
        file = /var/log/invsys/inventory/inventory.log
        level = warning

        [database]
        url = postgresql://invsys:100%secret@database.example/invsys
        connect_timeout = 5
      INI
    end

    it "lets only root read the owner's URL, before the database is migrated" do
      is_expected.to contain_file('/etc/invsys/invsys.owner-url').with(
        owner: 'root', mode: '0600', show_diff: false, backup: false,
        content: sensitive("postgresql://invsys_owner:secret@database.example/invsys\n")
      ).that_comes_before('File[/etc/invsys/inventory.ini]').that_requires('Package[invsys]')
    end

    it 'has the password nowhere in the catalogue but where reports do not show it' do
      telling = catalogue.resources.flat_map do |resource|
        names = resource.to_hash.select { |_, value| value.to_s.include?('secret') }.keys - resource.sensitive_parameters
        names.map { |name| "#{resource}: #{name}" }
      end
      expect(telling).to be_empty
    end
  end
end

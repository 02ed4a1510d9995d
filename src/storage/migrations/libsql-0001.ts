import { Migration } from '@mikro-orm/migrations';

/** The tables of the first release. Made by scripts/make-migrations.ts. */
export class LibSqlFirst extends Migration {
  override up(): void {
    this.addSql(
      'create table `account` (`id` text not null primary key, `username` text not null, `display_name` text not null, `validation` text not null, `email` text null, `created_at` text not null)',
    );
    this.addSql('create unique index `account_username_unique` on `account` (`username`)');
    this.addSql(
      'create table `allow_list_entry` (`id` integer not null primary key autoincrement, `brand_id` text not null, `model_name` text not null, `serial` text not null, `device_key_id` text null, `note` text not null, `created_at` text not null, `created_by` text not null, `taken_by` text null, `taken_at` text null)',
    );
    this.addSql(
      'create index `allow_list_entry_brand_id_model_name_device_key_id_index` on `allow_list_entry` (`brand_id`, `model_name`, `device_key_id`)',
    );
    this.addSql(
      'create unique index `allow_list_entry_brand_id_model_name_serial_unique` on `allow_list_entry` (`brand_id`, `model_name`, `serial`)',
    );
    this.addSql(
      'create table `api_key` (`id` integer not null primary key autoincrement, `brand_id` text not null, `model_name` text not null, `name` text not null, `hash` text not null, `sealed` text null, `created_at` text not null, `created_by` text not null, `valid_until` text null, `last_used_at` text null, `revoked_at` text null)',
    );
    this.addSql('create index `api_key_hash_index` on `api_key` (`hash`)');
    this.addSql(
      'create unique index `api_key_brand_id_model_name_name_unique` on `api_key` (`brand_id`, `model_name`, `name`)',
    );
    this.addSql(
      'create table `audit_entry` (`id` integer not null primary key autoincrement, `at` text not null, `actor` text not null, `act` text not null, `subject` text not null, `details` json not null)',
    );
    this.addSql('create index `audit_entry_at_index` on `audit_entry` (`at`)');
    this.addSql(
      'create table `block` (`id` integer not null primary key autoincrement, `kind` text not null, `brand_id` text not null, `subject` text not null, `reason` text not null, `created_at` text not null, `created_by` text not null)',
    );
    this.addSql(
      'create unique index `block_kind_brand_id_subject_unique` on `block` (`kind`, `brand_id`, `subject`)',
    );
    this.addSql(
      'create table `channel_override` (`id` integer not null primary key autoincrement, `snap_name` text not null, `channel` text not null, `architecture` text not null, `revision` integer not null, `upstream_revision` integer null, `changed_at` text not null)',
    );
    this.addSql(
      'create unique index `channel_override_snap_name_channel_architecture_unique` on `channel_override` (`snap_name`, `channel`, `architecture`)',
    );
    this.addSql(
      'create table `channel_release` (`id` integer not null primary key autoincrement, `snap_id` text not null, `track` text not null, `risk` text not null, `branch` text not null, `architecture` text not null, `revision` integer null, `released_at` text not null, `expires_at` text null, `percentage` integer null, `progressive_key` text null, `paused` integer not null, `ended_at` text null)',
    );
    this.addSql(
      'create index `channel_release_snap_id_ended_at_index` on `channel_release` (`snap_id`, `ended_at`)',
    );
    this.addSql(
      'create table `delta` (`id` integer not null primary key autoincrement, `snap_id` text not null, `format` text not null, `source_revision` integer not null, `target_revision` integer not null, `source_sha3_384` text not null, `target_sha3_384` text not null, `sha3_384` text not null, `size` bigint not null, `created_at` text not null)',
    );
    this.addSql(
      'create unique index `delta_format_source_sha3_384_target_sha3_384_unique` on `delta` (`format`, `source_sha3_384`, `target_sha3_384`)',
    );
    this.addSql(
      'create table `device` (`id` integer not null primary key autoincrement, `brand_id` text not null, `model_name` text not null, `serial` text not null, `device_key_id` text not null, `store_id` text null, `user_agent` text null, `first_seen_at` text not null, `last_seen_at` text not null)',
    );
    this.addSql(
      'create unique index `device_brand_id_model_name_serial_unique` on `device` (`brand_id`, `model_name`, `serial`)',
    );
    this.addSql(
      'create table `enrolment_request` (`id` integer not null primary key autoincrement, `brand_id` text not null, `model_name` text not null, `device_key_id` text not null, `proposed_serial` text null, `state` text not null, `source_address` text null, `first_seen_at` text not null, `last_seen_at` text not null, `decided_at` text null, `decided_by` text null)',
    );
    this.addSql(
      'create index `enrolment_request_brand_id_model_name_state_id_index` on `enrolment_request` (`brand_id`, `model_name`, `state`, `id`)',
    );
    this.addSql(
      'create unique index `enrolment_request_brand_id_model_name_device_key_id_unique` on `enrolment_request` (`brand_id`, `model_name`, `device_key_id`)',
    );
    this.addSql('create table `generation` (`name` text not null primary key, `value` integer not null)');
    this.addSql(
      'create table `import_record` (`id` integer not null primary key autoincrement, `digest` text not null, `kind` text not null, `store_id` text null, `file_name` text not null, `file_identity` text not null, `exporter_fingerprint` text null, `exported_at` text null, `imported_at` text not null, `outcome` text not null, `summary` json not null, `undo` json null)',
    );
    this.addSql('create index `import_record_digest_index` on `import_record` (`digest`)');
    this.addSql(
      'create table `model` (`id` integer not null primary key autoincrement, `brand_id` text not null, `name` text not null, `series` text not null, `enrolment` json not null, `created_at` text not null, `created_by` text not null, `modified_at` text null, `modified_by` text null)',
    );
    this.addSql('create unique index `model_brand_id_name_unique` on `model` (`brand_id`, `name`)');
    this.addSql(
      'create table `pinned_exporter` (`store_id` text not null primary key, `fingerprint` text not null, `public_key` json not null, `pinned_at` text not null, `newest_export` text not null)',
    );
    this.addSql(
      'create table `remodel_allowance` (`id` integer not null primary key autoincrement, `brand_id` text not null, `from_model` text not null, `to_model` text not null, `from_serial` text not null, `description` text not null, `created_at` text not null, `created_by` text not null, `modified_at` text null, `modified_by` text null)',
    );
    this.addSql(
      'create unique index `remodel_allowance_brand_id_from_model_to_model_from_serial_unique` on `remodel_allowance` (`brand_id`, `from_model`, `to_model`, `from_serial`)',
    );
    this.addSql(
      'create table `replacement_permit` (`id` integer not null primary key autoincrement, `brand_id` text not null, `model_name` text not null, `serial` text not null, `device_key_id` text null, `reason` text not null, `created_at` text not null, `created_by` text not null, `used_at` text null, `used_by` text null)',
    );
    this.addSql(
      'create index `replacement_permit_brand_id_model_name_serial_index` on `replacement_permit` (`brand_id`, `model_name`, `serial`)',
    );
    this.addSql(
      'create table `serial_history` (`id` integer not null primary key autoincrement, `brand_id` text not null, `model_name` text not null, `serial` text not null, `device_key_id` text not null, `sign_key_id` text null, `reason` text not null, `created_at` text not null, `ended_at` text not null, `ended_by` text not null, `serial_assertion` blob null)',
    );
    this.addSql(
      'create index `serial_history_brand_id_model_name_serial_index` on `serial_history` (`brand_id`, `model_name`, `serial`)',
    );
    this.addSql('create index `serial_history_created_at_id_index` on `serial_history` (`created_at`, `id`)');
    this.addSql(
      'create table `serial_intent` (`id` text not null primary key, `brand_id` text not null, `model_name` text not null, `serial` text not null, `device_key_id` text not null, `authority_id` text not null, `sign_key_id` text not null, `hsm_key_id` text not null, `headers` json not null, `body` text not null, `timestamp` text not null, `api_key_name` text null, `source_address` text null, `batch` text null, `created_at` text not null, `signed_at` text null, `serial_request` blob not null, `serial_assertion` blob null)',
    );
    this.addSql('create index `serial_intent_signed_at_id_index` on `serial_intent` (`signed_at`, `id`)');
    this.addSql(
      'create index `serial_intent_brand_id_model_name_created_at_index` on `serial_intent` (`brand_id`, `model_name`, `created_at`)',
    );
    this.addSql(
      'create unique index `serial_intent_brand_id_model_name_serial_unique` on `serial_intent` (`brand_id`, `model_name`, `serial`)',
    );
    this.addSql(
      'create unique index `serial_intent_brand_id_model_name_device_key_id_unique` on `serial_intent` (`brand_id`, `model_name`, `device_key_id`)',
    );
    this.addSql(
      'create table `serial_policy` (`id` integer not null primary key autoincrement, `brand_id` text not null, `model_name` text not null, `revision` integer not null, `key_id` text not null, `created_at` text not null, `created_by` text not null, `deleted_at` text null)',
    );
    this.addSql('create index `serial_policy_key_id_index` on `serial_policy` (`key_id`)');
    this.addSql(
      'create unique index `serial_policy_brand_id_model_name_revision_unique` on `serial_policy` (`brand_id`, `model_name`, `revision`)',
    );
    this.addSql(
      'create table `setting` (`key` text not null primary key, `value` text not null, `sealed` integer not null, `changed_at` text not null)',
    );
    this.addSql(
      'create table `signing_key` (`hsm_key_id` text not null primary key, `brand_id` text not null, `name` text not null, `key_id` text null, `public_key` text null, `fingerprint` text null, `created_at` text not null, `created_by` text not null, `modified_at` text null, `modified_by` text null, `registration_requested_at` text null, `signatures` bigint not null)',
    );
    this.addSql('create index `signing_key_key_id_index` on `signing_key` (`key_id`)');
    this.addSql(
      'create unique index `signing_key_brand_id_name_unique` on `signing_key` (`brand_id`, `name`)',
    );
    this.addSql(
      'create table `snap` (`snap_id` text not null primary key, `name` text not null, `store_id` text not null, `publisher_id` text not null, `private` integer not null, `type` text not null, `title` text not null, `summary` text not null, `description` text not null, `license` text null, `contact` text null, `website` text null, `links` json not null, `media` json not null, `categories` json not null, `default_track` text null, `created_at` text not null, `changed_at` text not null)',
    );
    this.addSql('create index `snap_store_id_index` on `snap` (`store_id`)');
    this.addSql('create unique index `snap_name_unique` on `snap` (`name`)');
    this.addSql(
      'create table `snap_resource` (`id` integer not null primary key autoincrement, `snap_id` text not null, `name` text not null, `type` text not null, `revision` integer not null, `version` text not null, `description` text not null, `sha3_384` text not null, `size` bigint not null, `created_at` text not null)',
    );
    this.addSql(
      'create unique index `snap_resource_snap_id_name_revision_unique` on `snap_resource` (`snap_id`, `name`, `revision`)',
    );
    this.addSql(
      'create table `snap_resource_pair` (`id` integer not null primary key autoincrement, `snap_id` text not null, `snap_revision` integer not null, `resource_name` text not null, `resource_revision` integer not null)',
    );
    this.addSql(
      'create unique index `snap_resource_pair_snap_id_snap_revision_resource_name_unique` on `snap_resource_pair` (`snap_id`, `snap_revision`, `resource_name`)',
    );
    this.addSql(
      'create table `snap_revision` (`id` integer not null primary key autoincrement, `snap_id` text not null, `revision` integer not null, `sha3_384` text not null, `size` bigint not null, `version` text not null, `type` text not null, `architectures` json not null, `base` text null, `confinement` text not null, `grade` text not null, `epoch` json not null, `snap_yaml` text not null, `provenance` text not null, `created_at` text not null)',
    );
    this.addSql('create index `snap_revision_sha3_384_index` on `snap_revision` (`sha3_384`)');
    this.addSql(
      'create unique index `snap_revision_snap_id_revision_unique` on `snap_revision` (`snap_id`, `revision`)',
    );
    this.addSql(
      'create table `spent_claim` (`id` integer not null primary key autoincrement, `brand_id` text not null, `model_name` text not null, `label` text not null, `device_key_id` text not null, `spent_at` text not null)',
    );
    this.addSql(
      'create unique index `spent_claim_brand_id_model_name_label_unique` on `spent_claim` (`brand_id`, `model_name`, `label`)',
    );
    this.addSql('create table `spent_nonce` (`nonce` text not null primary key, `expires_at` text not null)');
    this.addSql('create index `spent_nonce_expires_at_index` on `spent_nonce` (`expires_at`)');
    this.addSql(
      'create table `spent_request_id` (`request_id` text not null primary key, `device_key_id` text not null, `intent_id` text null, `expires_at` text not null)',
    );
    this.addSql('create index `spent_request_id_expires_at_index` on `spent_request_id` (`expires_at`)');
    this.addSql(
      'create table `store` (`id` text not null primary key, `name` text not null, `kind` text not null, `brand_id` text null, `created_at` text not null, `changed_at` text not null)',
    );
    this.addSql(
      'create table `assertion` (`id` integer not null primary key autoincrement, `type` text not null, `primary_key` text not null, `sequence_key` text not null, `sequence` integer null, `revision` integer not null, `format` integer not null, `authority_id` text not null, `sign_key_id` text not null, `snap_id` text null, `account_id` text null, `trusted` integer not null, `bytes` blob not null, `added_at` text not null)',
    );
    this.addSql(
      'create index `assertion_type_sequence_key_sequence_index` on `assertion` (`type`, `sequence_key`, `sequence`)',
    );
    this.addSql('create index `assertion_snap_id_index` on `assertion` (`snap_id`)');
    this.addSql('create index `assertion_account_id_type_index` on `assertion` (`account_id`, `type`)');
    this.addSql(
      'create unique index `assertion_type_primary_key_revision_unique` on `assertion` (`type`, `primary_key`, `revision`)',
    );
    this.addSql(
      'create table `store_inclusion` (`id` integer not null primary key autoincrement, `store_id` text not null, `included_store_id` text not null, `all_snaps` integer not null)',
    );
    this.addSql(
      'create unique index `store_inclusion_store_id_included_store_id_unique` on `store_inclusion` (`store_id`, `included_store_id`)',
    );
    this.addSql(
      'create table `store_inclusion_snap` (`id` integer not null primary key autoincrement, `store_id` text not null, `included_store_id` text not null, `snap_id` text not null, `snap_name` text not null)',
    );
    this.addSql(
      'create unique index `store_inclusion_snap_store_id_included_store_id_snap_id_unique` on `store_inclusion_snap` (`store_id`, `included_store_id`, `snap_id`)',
    );
    this.addSql(
      'create table `store_role` (`id` integer not null primary key autoincrement, `store_id` text not null, `account_id` text not null, `role` text not null)',
    );
    this.addSql(
      'create unique index `store_role_store_id_account_id_role_unique` on `store_role` (`store_id`, `account_id`, `role`)',
    );
    this.addSql(
      'create table `token` (`session_id` text not null primary key, `kind` text not null, `account_id` text not null, `digest` text null, `store_id` text null, `brand_id` text null, `description` text not null, `caveats` json not null, `issued_at` text not null, `expires_at` text null, `revoked_at` text null, `revoked_by` text null, `last_used_at` text null)',
    );
    this.addSql('create index `token_account_id_index` on `token` (`account_id`)');
    this.addSql('create index `token_digest_index` on `token` (`digest`)');
    this.addSql(
      'create table `upload` (`id` text not null primary key, `sha3_384` text null, `size` bigint not null, `snap_name` text null, `snap_id` text null, `account_id` text null, `channels` json not null, `state` text not null, `revision` integer null, `errors` json not null, `file_name` text not null, `created_at` text not null, `changed_at` text not null)',
    );
    this.addSql(
      'create table `voucher` (`id` integer not null primary key autoincrement, `brand_id` text not null, `hardware_key_id` text not null, `issuer_id` text not null, `hardware_id` text not null, `hardware_name` text not null, `public_key` text not null, `imported_at` text not null, `imported_by` text not null, `used_by` text null, `used_at` text null)',
    );
    this.addSql(
      'create unique index `voucher_brand_id_hardware_key_id_unique` on `voucher` (`brand_id`, `hardware_key_id`)',
    );
  }
}

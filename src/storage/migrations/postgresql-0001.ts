import { Migration } from '@mikro-orm/migrations';

/** The tables of the first release. Made by scripts/make-migrations.ts. */
export class PostgreSqlFirst extends Migration {
  override up(): void {
    this.addSql(
      'create table "account" ("id" varchar(64) not null, "username" varchar(128) not null, "display_name" varchar(255) not null, "validation" varchar(16) not null, "email" varchar(255) null, "created_at" varchar(24) not null, primary key ("id"))',
    );
    this.addSql('alter table "account" add constraint "account_username_unique" unique ("username")');
    this.addSql(
      'create table "allow_list_entry" ("id" serial primary key, "brand_id" varchar(64) not null, "model_name" varchar(128) not null, "serial" varchar(128) not null, "device_key_id" varchar(64) null, "note" varchar(255) not null, "created_at" varchar(24) not null, "created_by" varchar(64) not null, "taken_by" varchar(64) null, "taken_at" varchar(24) null)',
    );
    this.addSql(
      'create index "allow_list_entry_brand_id_model_name_device_key_id_index" on "allow_list_entry" ("brand_id", "model_name", "device_key_id")',
    );
    this.addSql(
      'alter table "allow_list_entry" add constraint "allow_list_entry_brand_id_model_name_serial_unique" unique ("brand_id", "model_name", "serial")',
    );
    this.addSql(
      'create table "api_key" ("id" serial primary key, "brand_id" varchar(64) not null, "model_name" varchar(128) not null, "name" varchar(128) not null, "hash" varchar(64) not null, "sealed" text null, "created_at" varchar(24) not null, "created_by" varchar(64) not null, "valid_until" varchar(24) null, "last_used_at" varchar(24) null, "revoked_at" varchar(24) null)',
    );
    this.addSql('create index "api_key_hash_index" on "api_key" ("hash")');
    this.addSql(
      'alter table "api_key" add constraint "api_key_brand_id_model_name_name_unique" unique ("brand_id", "model_name", "name")',
    );
    this.addSql(
      'create table "audit_entry" ("id" serial primary key, "at" varchar(24) not null, "actor" varchar(128) not null, "act" varchar(64) not null, "subject" varchar(255) not null, "details" jsonb not null)',
    );
    this.addSql('create index "audit_entry_at_index" on "audit_entry" ("at")');
    this.addSql(
      'create table "block" ("id" serial primary key, "kind" varchar(16) not null, "brand_id" varchar(64) not null, "subject" varchar(255) not null, "reason" varchar(512) not null, "created_at" varchar(24) not null, "created_by" varchar(64) not null)',
    );
    this.addSql(
      'alter table "block" add constraint "block_kind_brand_id_subject_unique" unique ("kind", "brand_id", "subject")',
    );
    this.addSql(
      'create table "channel_override" ("id" serial primary key, "snap_name" varchar(64) not null, "channel" varchar(160) not null, "architecture" varchar(16) not null, "revision" int not null, "upstream_revision" int null, "changed_at" varchar(24) not null)',
    );
    this.addSql(
      'alter table "channel_override" add constraint "channel_override_snap_name_channel_architecture_unique" unique ("snap_name", "channel", "architecture")',
    );
    this.addSql(
      'create table "channel_release" ("id" serial primary key, "snap_id" varchar(64) not null, "track" varchar(128) not null, "risk" varchar(16) not null, "branch" varchar(128) not null, "architecture" varchar(16) not null, "revision" int null, "released_at" varchar(24) not null, "expires_at" varchar(24) null, "percentage" int null, "progressive_key" varchar(64) null, "paused" boolean not null, "ended_at" varchar(24) null)',
    );
    this.addSql(
      'create index "channel_release_snap_id_ended_at_index" on "channel_release" ("snap_id", "ended_at")',
    );
    this.addSql(
      'create table "delta" ("id" serial primary key, "snap_id" varchar(64) not null, "format" varchar(32) not null, "source_revision" int not null, "target_revision" int not null, "source_sha3_384" varchar(96) not null, "target_sha3_384" varchar(96) not null, "sha3_384" varchar(96) not null, "size" bigint not null, "created_at" varchar(24) not null)',
    );
    this.addSql(
      'alter table "delta" add constraint "delta_format_source_sha3_384_target_sha3_384_unique" unique ("format", "source_sha3_384", "target_sha3_384")',
    );
    this.addSql(
      'create table "device" ("id" serial primary key, "brand_id" varchar(64) not null, "model_name" varchar(128) not null, "serial" varchar(128) not null, "device_key_id" varchar(64) not null, "store_id" varchar(64) null, "user_agent" varchar(255) null, "first_seen_at" varchar(24) not null, "last_seen_at" varchar(24) not null)',
    );
    this.addSql(
      'alter table "device" add constraint "device_brand_id_model_name_serial_unique" unique ("brand_id", "model_name", "serial")',
    );
    this.addSql(
      'create table "enrolment_request" ("id" serial primary key, "brand_id" varchar(64) not null, "model_name" varchar(128) not null, "device_key_id" varchar(64) not null, "proposed_serial" varchar(128) null, "state" varchar(16) not null, "source_address" varchar(64) null, "first_seen_at" varchar(24) not null, "last_seen_at" varchar(24) not null, "decided_at" varchar(24) null, "decided_by" varchar(64) null)',
    );
    this.addSql(
      'create index "enrolment_request_brand_id_model_name_state_id_index" on "enrolment_request" ("brand_id", "model_name", "state", "id")',
    );
    this.addSql(
      'alter table "enrolment_request" add constraint "enrolment_request_brand_id_model_name_device_key_id_unique" unique ("brand_id", "model_name", "device_key_id")',
    );
    this.addSql(
      'create table "generation" ("name" varchar(32) not null, "value" int not null, primary key ("name"))',
    );
    this.addSql(
      'create table "import_record" ("id" serial primary key, "digest" varchar(96) not null, "kind" varchar(16) not null, "store_id" varchar(64) null, "file_name" varchar(255) not null, "file_identity" varchar(255) not null, "exporter_fingerprint" varchar(64) null, "exported_at" varchar(24) null, "imported_at" varchar(24) not null, "outcome" varchar(16) not null, "summary" jsonb not null, "undo" jsonb null)',
    );
    this.addSql('create index "import_record_digest_index" on "import_record" ("digest")');
    this.addSql(
      'create table "model" ("id" serial primary key, "brand_id" varchar(64) not null, "name" varchar(128) not null, "series" varchar(8) not null, "enrolment" jsonb not null, "created_at" varchar(24) not null, "created_by" varchar(64) not null, "modified_at" varchar(24) null, "modified_by" varchar(64) null)',
    );
    this.addSql(
      'alter table "model" add constraint "model_brand_id_name_unique" unique ("brand_id", "name")',
    );
    this.addSql(
      'create table "pinned_exporter" ("store_id" varchar(64) not null, "fingerprint" varchar(64) not null, "public_key" jsonb not null, "pinned_at" varchar(24) not null, "newest_export" varchar(24) not null, primary key ("store_id"))',
    );
    this.addSql(
      'create table "remodel_allowance" ("id" serial primary key, "brand_id" varchar(64) not null, "from_model" varchar(128) not null, "to_model" varchar(128) not null, "from_serial" varchar(128) not null, "description" varchar(512) not null, "created_at" varchar(24) not null, "created_by" varchar(64) not null, "modified_at" varchar(24) null, "modified_by" varchar(64) null)',
    );
    this.addSql(
      'alter table "remodel_allowance" add constraint "remodel_allowance_brand_id_from_model_to_model_fr_02f4b_unique" unique ("brand_id", "from_model", "to_model", "from_serial")',
    );
    this.addSql(
      'create table "replacement_permit" ("id" serial primary key, "brand_id" varchar(64) not null, "model_name" varchar(128) not null, "serial" varchar(128) not null, "device_key_id" varchar(64) null, "reason" varchar(512) not null, "created_at" varchar(24) not null, "created_by" varchar(64) not null, "used_at" varchar(24) null, "used_by" varchar(64) null)',
    );
    this.addSql(
      'create index "replacement_permit_brand_id_model_name_serial_index" on "replacement_permit" ("brand_id", "model_name", "serial")',
    );
    this.addSql(
      'create table "serial_history" ("id" serial primary key, "brand_id" varchar(64) not null, "model_name" varchar(128) not null, "serial" varchar(128) not null, "device_key_id" varchar(64) not null, "sign_key_id" varchar(64) null, "reason" varchar(32) not null, "created_at" varchar(24) not null, "ended_at" varchar(24) not null, "ended_by" varchar(64) not null, "serial_assertion" bytea null)',
    );
    this.addSql(
      'create index "serial_history_brand_id_model_name_serial_index" on "serial_history" ("brand_id", "model_name", "serial")',
    );
    this.addSql('create index "serial_history_created_at_id_index" on "serial_history" ("created_at", "id")');
    this.addSql(
      'create table "serial_intent" ("id" varchar(36) not null, "brand_id" varchar(64) not null, "model_name" varchar(128) not null, "serial" varchar(128) not null, "device_key_id" varchar(64) not null, "authority_id" varchar(64) not null, "sign_key_id" varchar(64) not null, "hsm_key_id" varchar(64) not null, "headers" jsonb not null, "body" text not null, "timestamp" varchar(35) not null, "api_key_name" varchar(128) null, "source_address" varchar(64) null, "batch" varchar(64) null, "created_at" varchar(24) not null, "signed_at" varchar(24) null, "serial_request" bytea not null, "serial_assertion" bytea null, primary key ("id"))',
    );
    this.addSql('create index "serial_intent_signed_at_id_index" on "serial_intent" ("signed_at", "id")');
    this.addSql(
      'create index "serial_intent_brand_id_model_name_created_at_index" on "serial_intent" ("brand_id", "model_name", "created_at")',
    );
    this.addSql(
      'alter table "serial_intent" add constraint "serial_intent_brand_id_model_name_serial_unique" unique ("brand_id", "model_name", "serial")',
    );
    this.addSql(
      'alter table "serial_intent" add constraint "serial_intent_brand_id_model_name_device_key_id_unique" unique ("brand_id", "model_name", "device_key_id")',
    );
    this.addSql(
      'create table "serial_policy" ("id" serial primary key, "brand_id" varchar(64) not null, "model_name" varchar(128) not null, "revision" int not null, "key_id" varchar(64) not null, "created_at" varchar(24) not null, "created_by" varchar(64) not null, "deleted_at" varchar(24) null)',
    );
    this.addSql('create index "serial_policy_key_id_index" on "serial_policy" ("key_id")');
    this.addSql(
      'alter table "serial_policy" add constraint "serial_policy_brand_id_model_name_revision_unique" unique ("brand_id", "model_name", "revision")',
    );
    this.addSql(
      'create table "setting" ("key" varchar(128) not null, "value" text not null, "sealed" boolean not null, "changed_at" varchar(24) not null, primary key ("key"))',
    );
    this.addSql(
      'create table "signing_key" ("hsm_key_id" varchar(64) not null, "brand_id" varchar(64) not null, "name" varchar(128) not null, "key_id" varchar(64) null, "public_key" text null, "fingerprint" varchar(64) null, "created_at" varchar(24) not null, "created_by" varchar(64) not null, "modified_at" varchar(24) null, "modified_by" varchar(64) null, "registration_requested_at" varchar(24) null, "signatures" bigint not null, primary key ("hsm_key_id"))',
    );
    this.addSql('create index "signing_key_key_id_index" on "signing_key" ("key_id")');
    this.addSql(
      'alter table "signing_key" add constraint "signing_key_brand_id_name_unique" unique ("brand_id", "name")',
    );
    this.addSql(
      'create table "snap" ("snap_id" varchar(64) not null, "name" varchar(64) not null, "store_id" varchar(64) not null, "publisher_id" varchar(64) not null, "private" boolean not null, "type" varchar(16) not null, "title" varchar(255) not null, "summary" varchar(512) not null, "description" text not null, "license" varchar(255) null, "contact" varchar(512) null, "website" varchar(512) null, "links" jsonb not null, "media" jsonb not null, "categories" jsonb not null, "default_track" varchar(128) null, "created_at" varchar(24) not null, "changed_at" varchar(24) not null, primary key ("snap_id"))',
    );
    this.addSql('create index "snap_store_id_index" on "snap" ("store_id")');
    this.addSql('alter table "snap" add constraint "snap_name_unique" unique ("name")');
    this.addSql(
      'create table "snap_resource" ("id" serial primary key, "snap_id" varchar(64) not null, "name" varchar(64) not null, "type" varchar(64) not null, "revision" int not null, "version" varchar(64) not null, "description" text not null, "sha3_384" varchar(96) not null, "size" bigint not null, "created_at" varchar(24) not null)',
    );
    this.addSql(
      'alter table "snap_resource" add constraint "snap_resource_snap_id_name_revision_unique" unique ("snap_id", "name", "revision")',
    );
    this.addSql(
      'create table "snap_resource_pair" ("id" serial primary key, "snap_id" varchar(64) not null, "snap_revision" int not null, "resource_name" varchar(64) not null, "resource_revision" int not null)',
    );
    this.addSql(
      'alter table "snap_resource_pair" add constraint "snap_resource_pair_snap_id_snap_revision_resource_name_unique" unique ("snap_id", "snap_revision", "resource_name")',
    );
    this.addSql(
      'create table "snap_revision" ("id" serial primary key, "snap_id" varchar(64) not null, "revision" int not null, "sha3_384" varchar(96) not null, "size" bigint not null, "version" varchar(64) not null, "type" varchar(16) not null, "architectures" jsonb not null, "base" varchar(64) null, "confinement" varchar(16) not null, "grade" varchar(16) not null, "epoch" jsonb not null, "snap_yaml" text not null, "provenance" varchar(128) not null, "created_at" varchar(24) not null)',
    );
    this.addSql('create index "snap_revision_sha3_384_index" on "snap_revision" ("sha3_384")');
    this.addSql(
      'alter table "snap_revision" add constraint "snap_revision_snap_id_revision_unique" unique ("snap_id", "revision")',
    );
    this.addSql(
      'create table "spent_claim" ("id" serial primary key, "brand_id" varchar(64) not null, "model_name" varchar(128) not null, "label" varchar(128) not null, "device_key_id" varchar(64) not null, "spent_at" varchar(24) not null)',
    );
    this.addSql(
      'alter table "spent_claim" add constraint "spent_claim_brand_id_model_name_label_unique" unique ("brand_id", "model_name", "label")',
    );
    this.addSql(
      'create table "spent_nonce" ("nonce" varchar(128) not null, "expires_at" varchar(24) not null, primary key ("nonce"))',
    );
    this.addSql('create index "spent_nonce_expires_at_index" on "spent_nonce" ("expires_at")');
    this.addSql(
      'create table "spent_request_id" ("request_id" varchar(128) not null, "device_key_id" varchar(64) not null, "intent_id" varchar(36) null, "expires_at" varchar(24) not null, primary key ("request_id"))',
    );
    this.addSql('create index "spent_request_id_expires_at_index" on "spent_request_id" ("expires_at")');
    this.addSql(
      'create table "store" ("id" varchar(64) not null, "name" varchar(255) not null, "kind" varchar(16) not null, "brand_id" varchar(64) null, "created_at" varchar(24) not null, "changed_at" varchar(24) not null, primary key ("id"))',
    );
    this.addSql(
      'create table "assertion" ("id" serial primary key, "type" varchar(32) not null, "primary_key" varchar(255) not null, "sequence_key" varchar(255) not null, "sequence" int null, "revision" int not null, "format" int not null, "authority_id" varchar(64) not null, "sign_key_id" varchar(64) not null, "snap_id" varchar(64) null, "account_id" varchar(64) null, "trusted" boolean not null, "bytes" bytea not null, "added_at" varchar(24) not null)',
    );
    this.addSql(
      'create index "assertion_type_sequence_key_sequence_index" on "assertion" ("type", "sequence_key", "sequence")',
    );
    this.addSql('create index "assertion_snap_id_index" on "assertion" ("snap_id")');
    this.addSql('create index "assertion_account_id_type_index" on "assertion" ("account_id", "type")');
    this.addSql(
      'alter table "assertion" add constraint "assertion_type_primary_key_revision_unique" unique ("type", "primary_key", "revision")',
    );
    this.addSql(
      'create table "store_inclusion" ("id" serial primary key, "store_id" varchar(64) not null, "included_store_id" varchar(64) not null, "all_snaps" boolean not null)',
    );
    this.addSql(
      'alter table "store_inclusion" add constraint "store_inclusion_store_id_included_store_id_unique" unique ("store_id", "included_store_id")',
    );
    this.addSql(
      'create table "store_inclusion_snap" ("id" serial primary key, "store_id" varchar(64) not null, "included_store_id" varchar(64) not null, "snap_id" varchar(64) not null, "snap_name" varchar(64) not null)',
    );
    this.addSql(
      'alter table "store_inclusion_snap" add constraint "store_inclusion_snap_store_id_included_store_id_snap_id_unique" unique ("store_id", "included_store_id", "snap_id")',
    );
    this.addSql(
      'create table "store_role" ("id" serial primary key, "store_id" varchar(64) not null, "account_id" varchar(64) not null, "role" varchar(16) not null)',
    );
    this.addSql(
      'alter table "store_role" add constraint "store_role_store_id_account_id_role_unique" unique ("store_id", "account_id", "role")',
    );
    this.addSql(
      'create table "token" ("session_id" varchar(64) not null, "kind" varchar(32) not null, "account_id" varchar(64) not null, "digest" varchar(96) null, "store_id" varchar(64) null, "brand_id" varchar(64) null, "description" varchar(255) not null, "caveats" jsonb not null, "issued_at" varchar(24) not null, "expires_at" varchar(24) null, "revoked_at" varchar(24) null, "revoked_by" varchar(64) null, "last_used_at" varchar(24) null, primary key ("session_id"))',
    );
    this.addSql('create index "token_account_id_index" on "token" ("account_id")');
    this.addSql('create index "token_digest_index" on "token" ("digest")');
    this.addSql(
      'create table "upload" ("id" varchar(36) not null, "sha3_384" varchar(96) null, "size" bigint not null, "snap_name" varchar(64) null, "snap_id" varchar(64) null, "account_id" varchar(64) null, "channels" jsonb not null, "state" varchar(24) not null, "revision" int null, "errors" jsonb not null, "file_name" varchar(128) not null, "created_at" varchar(24) not null, "changed_at" varchar(24) not null, primary key ("id"))',
    );
    this.addSql(
      'create table "voucher" ("id" serial primary key, "brand_id" varchar(64) not null, "hardware_key_id" varchar(64) not null, "issuer_id" varchar(64) not null, "hardware_id" varchar(255) not null, "hardware_name" varchar(128) not null, "public_key" text not null, "imported_at" varchar(24) not null, "imported_by" varchar(64) not null, "used_by" varchar(64) null, "used_at" varchar(24) null)',
    );
    this.addSql(
      'alter table "voucher" add constraint "voucher_brand_id_hardware_key_id_unique" unique ("brand_id", "hardware_key_id")',
    );
  }
}

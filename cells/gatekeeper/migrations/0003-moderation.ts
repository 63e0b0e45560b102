import type { Migration } from './migration.ts'

/** Warnings, bans and administrators of scenes (gatekeeper.md §7), and the record of what moderators decided. */
export const moderation: Migration = {
  version: 3,
  name: 'moderation',
  statements: [
    `CREATE TABLE user_warnings (
       id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
       warned_address varchar NOT NULL,
       warned_by      varchar NOT NULL,
       reason         text NOT NULL,
       warned_at      timestamptz NOT NULL DEFAULT now(),
       created_at     timestamptz NOT NULL DEFAULT now()
     )`,
    'CREATE INDEX user_warnings_warned_address ON user_warnings (warned_address)',
    `CREATE TABLE scene_bans (
       id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
       place_id       text NOT NULL,
       banned_address text NOT NULL,
       banned_by      text NOT NULL,
       banned_at      bigint NOT NULL,
       UNIQUE (place_id, banned_address)
     )`,
    `CREATE TABLE scene_admin (
       id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
       place_id   text NOT NULL,
       admin      text NOT NULL,
       added_by   text NOT NULL,
       created_at bigint NOT NULL,
       active     boolean NOT NULL DEFAULT true
     )`,
    'CREATE UNIQUE INDEX scene_admin_active ON scene_admin (place_id, admin) WHERE active',
    `CREATE TABLE moderation_decisions (
       id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       decided_at timestamptz NOT NULL,
       actor      text NOT NULL,
       action     text NOT NULL,
       target     text NOT NULL,
       place_id   text,
       reason     text,
       result     text NOT NULL
     )`,
    'CREATE INDEX moderation_decisions_target ON moderation_decisions (target)',
    'CREATE INDEX moderation_decisions_decided_at ON moderation_decisions (decided_at)',
    'CREATE INDEX user_bans_lifted_at ON user_bans (lifted_at) WHERE lifted_at IS NOT NULL',
  ],
}

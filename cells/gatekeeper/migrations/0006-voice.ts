import type { Migration } from './migration.ts'

const statuses = `CHECK (status IN ('not_connected', 'connected', 'connection_interrupted', 'disconnected'))`

/**
 * Who is in which voice chat (gatekeeper.md §7). Of our own are `sid_joined_at`, by which events of two connections of one player
 * are put in order, and what a member of a community's chat may do and shows: with it a member who comes back is what the member
 * was. `livekit_webhooks` has one row: when any replica received a webhook of LiveKit last.
 */
export const voice: Migration = {
  version: 6,
  name: 'voice chats',
  statements: [
    `CREATE TABLE voice_chat_users (
       address           varchar(42) NOT NULL,
       room_name         varchar NOT NULL,
       status            varchar NOT NULL ${statuses},
       joined_at         bigint NOT NULL,
       status_updated_at bigint NOT NULL,
       sid               text,
       sid_joined_at     bigint,
       PRIMARY KEY (address, room_name)
     )`,
    'CREATE INDEX voice_chat_users_room_name ON voice_chat_users (room_name)',
    'CREATE INDEX voice_chat_users_status ON voice_chat_users (status, joined_at, status_updated_at)',
    `CREATE TABLE community_voice_chat_users (
       address           text NOT NULL,
       room_name         text NOT NULL,
       is_moderator      boolean NOT NULL DEFAULT false,
       status            text NOT NULL ${statuses},
       joined_at         bigint NOT NULL,
       status_updated_at bigint NOT NULL,
       created_at        timestamptz NOT NULL DEFAULT now(),
       sid               text,
       sid_joined_at     bigint,
       metadata          jsonb NOT NULL DEFAULT '{}',
       is_kicked         boolean NOT NULL DEFAULT false,
       PRIMARY KEY (address, room_name)
     )`,
    'CREATE INDEX community_voice_chat_users_room_name ON community_voice_chat_users (room_name)',
    'CREATE INDEX community_voice_chat_users_moderator ON community_voice_chat_users (room_name, is_moderator)',
    'CREATE INDEX community_voice_chat_users_status ON community_voice_chat_users (status, status_updated_at)',
    `CREATE TABLE livekit_webhooks (
       is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
       received_at bigint NOT NULL
     )`,
  ],
}

import type { Migration } from './migration.ts'

/** Keys of streams to scenes (gatekeeper.md §7), RTMP endpoints that are to be removed, and who presents in which room. */
export const streams: Migration = {
  version: 5,
  name: 'streams',
  statements: [
    // `streaming_session` is the beginning of the latest session that is known, in nanoseconds: it orders the events of LiveKit.
    // `place` describes the scene as it was deployed when the key was made.
    `CREATE TABLE scene_stream_access (
       id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
       place_id             text NOT NULL,
       streaming_url        text NOT NULL,
       streaming_key        text NOT NULL,
       ingress_id           text NOT NULL,
       created_at           bigint NOT NULL,
       active               boolean NOT NULL DEFAULT true,
       streaming            boolean NOT NULL DEFAULT false,
       streaming_start_time bigint,
       expiration_time      bigint,
       room_id              text,
       generated_by         text,
       streaming_session    bigint NOT NULL DEFAULT 0,
       place                text
     )`,
    'CREATE UNIQUE INDEX scene_stream_access_active ON scene_stream_access (place_id) WHERE active',
    'CREATE INDEX scene_stream_access_streaming_key ON scene_stream_access (streaming_key)',
    'CREATE INDEX scene_stream_access_expiration_time ON scene_stream_access (expiration_time)',
    'CREATE INDEX scene_stream_access_room_id ON scene_stream_access (room_id)',
    'CREATE INDEX scene_stream_access_generated_by ON scene_stream_access (generated_by)',
    'CREATE INDEX scene_stream_access_ingress_id ON scene_stream_access (ingress_id)',
    // A row is written before an endpoint is created, so that none is forgotten where a process ends in between.
    `CREATE TABLE stream_ingress_removals (
       id         uuid PRIMARY KEY,
       room_id    text NOT NULL,
       ingress_id text,
       due_at     bigint NOT NULL
     )`,
    'CREATE INDEX stream_ingress_removals_due_at ON stream_ingress_removals (due_at)',
    `CREATE TABLE scene_presenters (
       room_id  text NOT NULL,
       identity text NOT NULL,
       added_by text NOT NULL,
       added_at bigint NOT NULL,
       PRIMARY KEY (room_id, identity)
     )`,
    // Which replica does work that is repeated: the one that moves the time on.
    'CREATE TABLE repeated_work (work text PRIMARY KEY, due_at bigint NOT NULL)',
  ],
}

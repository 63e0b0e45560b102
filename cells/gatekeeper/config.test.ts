import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

const livekit = { LIVEKIT_HOST: 'wss://livekit', LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'secret' }
const usable = { DATABASE_FOLDER: '/data', ...livekit }

test('a folder and LiveKit are enough', () => {
  expect(readConfig(usable)).toMatchObject({
    HTTP_SERVER_PORT: 3001,
    SCENE_ROOM_PREFIX: 'scene-',
    WORLD_ROOM_PREFIX: 'world-scene-room-',
  })
})

test('a configuration without LiveKit and rooms is valid', () => {
  expect(readConfig({ DATABASE_URL: 'postgres://u:p@db:5432/realm' })).toMatchObject({ BUS_SCOPE: '' })
})

test.each<[string, NodeJS.ProcessEnv, string]>([
  ['no database', livekit, 'DATABASE_URL: or DATABASE_FOLDER must be set'],
  [
    'two databases',
    { ...usable, DATABASE_URL: 'postgres://db/realm' },
    'DATABASE_FOLDER: cannot be set together with DATABASE_URL',
  ],
  ['an authority without a server', { ...usable, DATABASE_CA_FILE: '/ca.crt' }, 'DATABASE_CA_FILE: belongs to DATABASE_URL'],
  ['another database', { DATABASE_URL: 'mysql://db/realm' }, 'DATABASE_URL: Invalid URL'],
  [
    'incomplete settings of LiveKit',
    { ...usable, LIVEKIT_API_SECRET: '' },
    'LIVEKIT_API_SECRET: is needed by the other settings of LiveKit (LIVEKIT_HOST, LIVEKIT_API_KEY, LIVEKIT_API_SECRET)',
  ],
  [
    'two kinds of rooms',
    { ...usable, ROOMS_URL: 'wss://host/rooms', NATS_URL: 'nats://n' },
    'ROOMS_URL: cannot be set together with LIVEKIT_HOST',
  ],
  [
    'embedded rooms without a bus',
    { DATABASE_FOLDER: '/data', ROOMS_URL: 'wss://host/rooms' },
    'NATS_URL: is needed by ROOMS_URL: admissions travel over the bus',
  ],
  [
    'a scene prefix that could name a world',
    { ...usable, SCENE_ROOM_PREFIX: 'world-' },
    'SCENE_ROOM_PREFIX: and WORLD_ROOM_PREFIX must tell rooms apart: neither of world- and world-scene-room- may begin with the other',
  ],
  ['a moderator without a wallet', { ...usable, MODERATORS: 'ana' }, 'MODERATORS.0: lists wallet addresses'],
  ['a token that can be guessed', { ...usable, MODERATOR_TOKEN: 'short' }, 'MODERATOR_TOKEN: Too small'],
  [
    'a token with blanks',
    { ...usable, COMMS_GATEKEEPER_AUTH_TOKEN: 'two words in a token' },
    'COMMS_GATEKEEPER_AUTH_TOKEN: has no blanks',
  ],
])('%s is refused with a message', (_, env, sentence) => {
  expect(() => readConfig(env)).toThrow(sentence)
})

test('wallets that moderate are read in any case', () => {
  const [one, other] = ['0x52908400098527886E0F7030069857D2E4169EE7', `0x${'0'.repeat(40)}`]
  expect(readConfig({ ...usable, MODERATORS: `${one}, ${other}` }).MODERATORS).toEqual([one.toLowerCase(), other])
  expect(readConfig(usable).MODERATORS).toEqual([])
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { givenLivekit } from './given-livekit.ts'

const livekit = 'ws://livekit:7880'

test('a LiveKit is used only where it is named', () => {
  expect(givenLivekit({ livekitApiKey: 'key' }, { LIVEKIT_API_SECRET: 'secret' })).toBeUndefined()
})

test('the secret comes from the environment, or from a file, which counts more', () => {
  const file = join(freshFolder(), 'secret')
  writeFileSync(file, 'in a file\n')
  const env = { LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'secret' }
  expect(givenLivekit({ livekit }, env)).toEqual({ url: livekit, apiKey: 'key', apiSecret: 'secret' })
  expect(givenLivekit({ livekit, livekitApiKey: 'other', livekitApiSecretFile: file }, env)).toEqual({
    url: livekit,
    apiKey: 'other',
    apiSecret: 'in a file',
  })
})

test('a missing secret and an unreadable file are refused with the remedy', () => {
  expect(() => givenLivekit({ livekit, livekitApiKey: 'key' }, {})).toThrow(
    'a secret (LIVEKIT_API_SECRET or --livekit-api-secret-file)',
  )
  expect(() => givenLivekit({ livekit, livekitApiKey: 'key', livekitApiSecretFile: '/missing' }, {})).toThrow('ENOENT')
})

import { expect, test } from 'vitest'
import { decideScene, objectionToSceneCode, readSceneClaim, type SceneClaim } from './scene-access.ts'
import { claimedSceneOf } from './scene-location.ts'

const free = { banned: false, denied: false }
const claim = (given: Partial<SceneClaim>): SceneClaim => ({ realmName: 'main', sceneId: 'bafk', deviceId: undefined, ...given })

test('two scenes whose ids differ by their case only have two rooms', () => {
  const roomOf = (sceneId: string, realmName = 'main') => decideScene(claim({ sceneId, realmName }), free, 'scene-')
  expect([roomOf('QmABC'), roomOf('QmaBC')]).toEqual([{ room: 'scene-main:QmABC' }, { room: 'scene-main:QmaBC' }])
  expect(roomOf('b64-L3Q=', 'LocalPreview')).toEqual({ room: 'scene-LocalPreview:b64-L3Q=' })
})

test.for([
  ['as the client wrote it', { realmName: 'Main', sceneId: 'QmABC' }, { realmName: 'Main', sceneId: 'QmABC' }],
  [
    'as it was signed where the other text is not the same one',
    { realmName: 'other', sceneId: 7 },
    { realmName: 'main', sceneId: 'qmabc' },
  ],
] as const)('a scene that was signed in lower case is named %s', ([, spelled, read]) => {
  expect(readSceneClaim({ realmName: 'main', sceneId: 'qmabc' }, spelled)).toMatchObject(read)
  const { realmName, ...scene } = spelled
  const claimed = claimedSceneOf(
    { realm: { serverName: 'main' }, sceneId: 'qmabc' },
    { realm: { serverName: realmName }, ...scene },
  )
  expect(claimed).toMatchObject(read)
})

test.each([{}, { realmName: '' }, { realmName: 7 }, { realm: { serverName: 'main' } }])(
  '%j has no valid name of a realm',
  (metadata) => {
    expect(readSceneClaim(metadata, {})).toEqual({
      outcome: 'unsigned',
      code: 'UNAUTHORIZED',
      message: 'Access denied, invalid signed-fetch request, no realmName',
    })
  },
)

test.each(['', 7, null, 'a\u0000b', 'x'.repeat(257), ' \n'])('%j is not a valid device', (deviceIdentifier) => {
  expect(readSceneClaim({ realmName: 'main', deviceIdentifier }, {})).toEqual({
    realmName: 'main',
    sceneId: undefined,
    deviceId: undefined,
  })
})

test.each<[string, Partial<SceneClaim>, typeof free, string, string]>([
  ['a banned player', {}, { banned: true, denied: true }, 'FORBIDDEN', 'Access denied, platform-banned user'],
  [
    'a denied wallet',
    { sceneId: undefined },
    { banned: false, denied: true },
    'UNAUTHORIZED',
    'Access denied, deny-listed wallet',
  ],
  ['no scene', { sceneId: undefined }, free, 'INVALID', 'Access denied, invalid signed-fetch request, no sceneId'],
  [
    'a world in place of a scene',
    { realmName: 'My.dcl.eth', sceneId: 'my.dcl.ETH' },
    free,
    'INVALID',
    'Failed to resolve scene ID for world My.dcl.eth',
  ],
  [
    'a scene of a world',
    { realmName: 'my.dcl.eth' },
    free,
    'UNAUTHORIZED',
    'Access denied, you are not authorized to access this world',
  ],
  [
    'a name longer than rooms may have',
    { sceneId: 'x'.repeat(246) },
    free,
    'INVALID',
    'Access denied, the room name exceeds 256 characters',
  ],
])('%s is refused', (_, given, standing, code, message) => {
  expect(decideScene(claim(given), standing, 'scene-')).toMatchObject({ code, message })
})

test('the longest name a room may have is accepted', () => {
  expect(decideScene(claim({ sceneId: 'x'.repeat(245) }), free, 'scene-')).toHaveProperty('room.length', 256)
})

test('scene code is refused, explorers that name no signer are not', () => {
  expect(objectionToSceneCode({ signer: 'decentraland-kernel-scene' })).toBe('scene code may not join rooms')
  expect(objectionToSceneCode({ signer: 'dcl:explorer' })).toBeUndefined()
  expect(objectionToSceneCode({})).toBeUndefined()
})

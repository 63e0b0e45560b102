import { expect, test } from 'vitest'
import { boundedMetadata, mergedMetadata, ROOM_CHARACTERS, sameMetadata } from './room-metadata-text.ts'

const wallets = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => `0x${(n + from).toString(16).padStart(40, '0')}`)

test('what exceeds the size is left out at the end of the longest list', () => {
  const metadata = { bannedAddresses: wallets(100), sceneAdmins: wallets(2, 500) }
  const text = boundedMetadata(metadata, 1_000)
  const kept = JSON.parse(text) as typeof metadata
  expect(text.length).toBeLessThanOrEqual(1_000)
  expect(text.length).toBeGreaterThan(900)
  expect(kept).toEqual({ bannedAddresses: wallets(kept.bannedAddresses.length), sceneAdmins: metadata.sceneAdmins })
  expect(boundedMetadata(metadata, 100_000)).toBe(JSON.stringify(metadata))
  expect(boundedMetadata({ bannedAddresses: wallets(3) }, 5)).toBe('{"bannedAddresses":[]}')
})

test('keys of others stay, and metadata that is no object counts as none', () => {
  const metadata = { bannedAddresses: wallets(1) }
  expect(JSON.parse(mergedMetadata('{"presenters":["x"],"bannedAddresses":["y"]}', metadata))).toEqual({
    presenters: ['x'],
    ...metadata,
  })
  for (const text of ['', 'nonsense', '[1]', 'null', '7']) expect(mergedMetadata(text, metadata)).toBe(JSON.stringify(metadata))
})

test('metadata is the same where all of its keys are, in the same order, as far as they fit', () => {
  const metadata = { bannedAddresses: wallets(2), sceneAdmins: [] }
  expect(sameMetadata(JSON.stringify({ presenters: [], ...metadata }), metadata)).toBe(true)
  expect(sameMetadata(JSON.stringify({ bannedAddresses: wallets(2) }), metadata)).toBe(true)
  expect(sameMetadata(JSON.stringify({ ...metadata, bannedAddresses: wallets(2).reverse() }), metadata)).toBe(false)
  expect(sameMetadata('', metadata)).toBe(false)
  const large = { bannedAddresses: wallets(2_000) }
  const written = mergedMetadata('', large)
  expect([written.length <= ROOM_CHARACTERS, sameMetadata(written, large)]).toEqual([true, true])
})

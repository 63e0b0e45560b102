import { expect, onTestFinished, test, vi } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { BanList } from './ban-list.ts'
import type { PlatformBan } from './core/active-bans.ts'
import { aBan, aStorage } from './fixtures.ts'

const wallet = '0x00000000000000000000000000000000000000aa'

test('the bans are read only when they have changed, and again after a read that failed', async () => {
  const [clock, storage] = [new ManualClock(), aStorage()]
  const reads = vi.spyOn(storage, 'unliftedBans')
  const versions = vi.spyOn(storage, 'bansVersion')
  const bans = new BanList(storage, { clock, log: silentLog, onFailure: () => {} })
  onTestFinished(() => bans.stop())
  await bans.attempted
  const look = async () => {
    const before = versions.mock.calls.length
    await vi.waitFor(() => {
      clock.advance(3_600)
      expect(versions.mock.calls.length).toBeGreaterThan(before + 1)
    })
  }
  await look()
  expect([reads.mock.calls.length, bans.known, bans.ageSeconds < 10]).toEqual([1, true, true])

  reads.mockRejectedValueOnce(new Error('the connection was lost'))
  storage.bans = [aBan({ bannedAddress: wallet })]
  await vi.waitFor(() => {
    clock.advance(3_600)
    expect(bans.against({ address: wallet })?.reason).toBe('spam')
  })
  await look()
  expect(reads.mock.calls.length).toBe(3)
})

test('the bans of one wallet that were read during a longer read of all stay, and the next look heals a mix-up of two', async () => {
  const [clock, storage] = [new ManualClock(), aStorage()]
  const reads = vi.spyOn(storage, 'unliftedBans')
  const bans = new BanList(storage, { clock, log: silentLog, onFailure: () => {} })
  onTestFinished(() => bans.stop())
  await bans.attempted

  const slow = Promise.withResolvers<PlatformBan[]>()
  reads.mockReturnValueOnce(slow.promise)
  storage.bans = [aBan({ bannedAddress: wallet })]
  await vi.waitFor(() => {
    clock.advance(3_600)
    expect(reads).toHaveBeenCalledTimes(2)
  })
  clock.advance(1)
  await bans.reread(wallet)
  expect(bans.against({ address: wallet })).toBeDefined()
  slow.resolve([]) // as it was before the ban
  await new Promise(setImmediate)
  expect(bans.against({ address: wallet })).toBeDefined()

  // Of two reads of a wallet the earlier one ends last, after its ban was lifted.
  vi.spyOn(storage, 'unliftedBansOf').mockResolvedValueOnce(storage.bans)
  storage.bans = []
  await bans.reread(wallet)
  await vi.waitFor(() => {
    clock.advance(3_600)
    expect(bans.against({ address: wallet })).toBeUndefined()
  })
})

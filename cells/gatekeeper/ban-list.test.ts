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
  const versions = vi.spyOn(storage, 'bansSince')
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

test('a change of one ban reads the bans of its wallet alone, and a look without a change reads none', async () => {
  const [clock, storage] = [new ManualClock(), aStorage()]
  const [reads, readsOf] = [vi.spyOn(storage, 'unliftedBans'), vi.spyOn(storage, 'unliftedBansOf')]
  let version = 1
  let changed: `0x${string}`[] = []
  vi.spyOn(storage, 'bansSince').mockImplementation(async (since) => ({
    version: String(version),
    wallets: since === undefined ? undefined : since === String(version) ? [] : changed,
  }))
  const other = '0x00000000000000000000000000000000000000bb'
  storage.bans = [aBan({ id: '1', bannedAddress: other })]
  const onChange = vi.fn()
  const bans = new BanList(storage, { clock, log: silentLog, onFailure: () => {}, onChange })
  onTestFinished(() => bans.stop())
  await bans.attempted
  const change = async (address: typeof wallet, after: PlatformBan[], expected: boolean) => {
    version++
    changed = [address]
    storage.bans = after
    await vi.waitFor(() => {
      clock.advance(600)
      expect(bans.against({ address }) !== undefined).toBe(expected)
    })
  }
  await change(wallet, [...storage.bans, aBan({ id: '2', bannedAddress: wallet })], true)
  expect(bans.against({ address: other })).toBeDefined()
  await change(wallet, [aBan({ id: '1', bannedAddress: other })], false)
  for (let n = 0; n < 5; n++) {
    clock.advance(600)
    await new Promise(setImmediate)
  }
  expect([reads.mock.calls.length, readsOf.mock.calls, bans.size, bans.version]).toEqual([1, [[[wallet]], [[wallet]]], 1, '3'])
  expect(onChange).toHaveBeenCalledTimes(3)
})

test('the ban of a wallet that was read during a look at what changed stays, where that look began before the ban', async () => {
  const [clock, storage] = [new ManualClock(), aStorage()]
  const bans = new BanList(storage, { clock, log: silentLog, onFailure: () => {} })
  onTestFinished(() => bans.stop())
  await bans.attempted
  const slow = Promise.withResolvers<PlatformBan[]>()
  const readsOf = vi.spyOn(storage, 'unliftedBansOf').mockReturnValueOnce(slow.promise)
  vi.spyOn(storage, 'bansSince').mockResolvedValueOnce({ version: 'another', wallets: [wallet] })
  await vi.waitFor(() => {
    clock.advance(600)
    expect(readsOf).toHaveBeenCalled()
  })
  storage.bans = [aBan({ bannedAddress: wallet })]
  await bans.reread(wallet)
  slow.resolve([])
  await new Promise(setImmediate)
  expect(bans.against({ address: wallet })).toBeDefined()
})

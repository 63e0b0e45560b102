import { expect, onTestFinished, test, vi } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { BanList } from './ban-list.ts'
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

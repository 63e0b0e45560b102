import { expect, test } from 'vitest'
import type { PeerId } from '../../wire/peer.ts'
import { WalletLimit } from './wallet-limit.ts'

const wallet = (n: number): PeerId => `0x${n.toString(16).padStart(40, '0')}`
const [ana, ben] = [wallet(1), wallet(2)]

test('a burst passes, then a wallet has to wait', () => {
  const limit = new WalletLimit({ burst: 3, perSecond: 2, maxWallets: 10 })
  for (let i = 0; i < 3; i++) {
    expect(limit.waitMs(ana, 1_000)).toBe(0)
    limit.count(ana, 1_000)
  }
  expect(limit.waitMs(ana, 1_000)).toBe(500)
  expect(limit.waitMs(ana, 1_250)).toBe(250)
  expect(limit.waitMs(ana, 1_500)).toBe(0)
  expect(limit.waitMs(ben, 1_000)).toBe(0)
})

test('waitMs does not count as a request', () => {
  const limit = new WalletLimit({ burst: 1, perSecond: 1, maxWallets: 10 })
  for (let i = 0; i < 5; i++) limit.waitMs(ana, 0)
  expect(limit.waitMs(ana, 0)).toBe(0)
  expect(limit.size).toBe(0)
})

test('the number of wallets is limited, and the one without a request for longest is forgotten first', () => {
  const limit = new WalletLimit({ burst: 1, perSecond: 1, maxWallets: 2 })
  limit.count(wallet(1), 0)
  limit.count(wallet(2), 0)
  limit.count(wallet(1), 0)
  limit.count(wallet(3), 0)
  expect(limit.size).toBe(2)
  expect(limit.waitMs(wallet(2), 0)).toBe(0)
  expect(limit.waitMs(wallet(1), 0)).toBe(2_000)
})

test('a clock that was set back allows no further requests and blocks no wallet for longer than the burst takes', () => {
  const limit = new WalletLimit({ burst: 1, perSecond: 1, maxWallets: 2 })
  limit.count(ana, 100_000)
  expect(limit.waitMs(ana, 0)).toBe(1_000)
})

import { expect, test } from 'vitest'
import { Stride } from './stride.ts'

test('a relay with more to do than it can serves each client less often, and more often again when there is less to do', () => {
  const stride = new Stride(50)
  const work = (ms: number, ticks: number) => {
    for (let i = 0; i < ticks; i++) stride.observe(ms / stride.current)
    return stride.current
  }
  expect(work(20, 200)).toBe(1)
  expect(work(40, 200)).toBe(2)
  expect(work(70, 200)).toBe(3)
  expect(work(1_000, 200)).toBe(4)
  expect(work(20, 400)).toBe(2)
  expect(work(5, 200)).toBe(1)
})

test('one slow tick changes nothing', () => {
  const stride = new Stride(50)
  stride.observe(200)
  expect(stride.current).toBe(1)
})

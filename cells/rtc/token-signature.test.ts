import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { createSigner } from './token-signature.ts'

const expected = (secret: string, text: string): string => createHmac('sha256', secret).update(text).digest('base64url')

test('a signature is the HMAC-SHA-256 of the text, whatever the length of the secret', () => {
  for (const length of [0, 1, 31, 63, 64, 65, 127, 128, 500]) {
    const secret = 's'.repeat(length)
    expect(createSigner(secret)('a.', 'b')).toBe(expected(secret, 'a.b'))
  }
  expect(createSigner('Schlüssel €')('', 'a.b')).toBe(expected('Schlüssel €', 'a.b'))
})

test('a signature is the HMAC-SHA-256 of the text, whatever was signed before it', () => {
  const sign = createSigner('a secret of at least thirty-two characters')
  for (const length of [500, 0, 1, 63, 64, 4_095, 4_096, 4_097, 20_000, 70_000, 12]) {
    const text = 'abcdefgh.'.repeat(length).slice(0, length)
    for (const at of [0, length >> 1, length, length >> 1])
      expect(sign(text.slice(0, at), text.slice(at))).toBe(expected('a secret of at least thirty-two characters', text))
  }
})

test('a signature is that of its own text where the beginning is the one before, and the end is shorter or longer', () => {
  const sign = createSigner('a secret of at least thirty-two characters')
  for (const end of ['b', '', 'bcd', 'e'.repeat(5_000), 'f', 'b'])
    expect(sign('a.', end)).toBe(expected('a secret of at least thirty-two characters', `a.${end}`))
})

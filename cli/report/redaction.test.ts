import { expect, test } from 'vitest'
import { createRedaction } from './redaction.ts'

const A = '0x00000000000000000000000000000000000000a1'
const B = '0x00000000000000000000000000000000000000b2'

test('wallets and addresses have the same other name in every text, whatever their case', () => {
  const { redact } = createRedaction()
  expect(redact(`${A} met ${B} at 203.0.113.9:7777`)).toBe('wallet-1 met wallet-2 at ip-1:7777')
  expect(redact(`${A.toUpperCase().replace('0X', '0x')} from 203.0.113.9, [2001:db8::1]:80 and 2001:DB8::1`)).toBe(
    'wallet-1 from ip-1, [ip-2]:80 and ip-2',
  )
  expect(createRedaction().redact(B)).toBe('wallet-1')
})

test.for([
  ['{"token":"abcdefgh12345","realm":"main"}', '{"token":"REDACTED","realm":"main"}'],
  ['{\\"password\\":\\"abcdefgh12345\\"}', '{\\"password\\":\\"REDACTED\\"}'],
  ['LIVEKIT_API_SECRET=abcdefgh12345 next', 'LIVEKIT_API_SECRET=REDACTED next'],
  ['apiKey: devkey', 'apiKey: REDACTED'],
  ['authorization: Bearer abcdefgh12345', 'authorization: REDACTED REDACTED'],
  ['"Authorization": "Basic dXNlcjpwYXNz"', '"Authorization": "REDACTED REDACTED"'],
  ['postgres://user:pa55word@db:5432/realm', 'postgres://REDACTED@db:5432/realm'],
  ['wss://lk.example/rtc?access_token=abc.def&x=1', 'wss://lk.example/rtc?access_token=REDACTED&x=1'],
  ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln in a log', 'REDACTED in a log'],
  [`signature 0x${'ab'.repeat(65)}`, 'signature REDACTED'],
  [`in.eyJhbGciOiJIUzI1NiJ9.${'eyJhb'.repeat(20_000)}.${'c2ln'.repeat(1_000)}.out`, 'in.REDACTED.out'],
  ['a-eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln, eyJhbGciOiJub25lIn0.eyJzdWIi.', 'a-REDACTED, REDACTED'],
  ['-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----', 'REDACTED'],
  [`-----BEGIN PRIVATE KEY-----\\n${'a+/b'.repeat(5_000)}\\n-----END PRIVATE KEY-----"}`, 'REDACTED"}'],
  ['{"key":"-----BEGIN RSA PRIVATE KEY-----\\nProc-Type: 4,ENCRYPTED\\nabc="', '{"key":"REDACTED"'],
] as const)('%s is not shown', ([text, shown]) => {
  expect(createRedaction().redact(text)).toBe(shown)
  expect(createRedaction({ keepsAddresses: true }).redact(text)).toBe(shown)
})

test.for([
  'secretName: main-nats-users',
  'secret:\n  name: doors\n  key: secret',
  'automountServiceAccountToken: false',
  'credentials: {secretName: livekit}',
  'tokenFile: /run/secrets/token',
  'Secret "livekit" not found',
  'at 2026-11-28T12:30:45.123Z',
  'version 1.34.4 on 127.0.0.1 and ::1',
  'image: nats:2.11.17',
  `sha256:${'ab'.repeat(32)}`,
] as const)('%s stays as it is', (text) => {
  expect(createRedaction().redact(text)).toBe(text)
})

test('wallets and addresses stay where a person wants that, and nothing else', () => {
  expect(createRedaction({ keepsAddresses: true }).redact(`${A} 203.0.113.9 token=abcdefgh`)).toBe(
    `${A} 203.0.113.9 token=REDACTED`,
  )
})

// The cost shows in the time limit of a test: a pattern whose cost grows with the square of the text takes minutes.
test.for([
  'a:',
  '1.',
  'x-token',
  'eyJ-',
  'eyJhbGciO.',
  'eyJhbGciO-',
  '-----BEGIN PRIVATE KEY-----',
  'x://::',
  ' token= ',
  'a.b-',
])('a log full of %s is read in one go', (piece) => {
  const hostile = piece.repeat(Math.floor((256 * 1024) / piece.length))
  expect(createRedaction().redact(hostile).length).toBeGreaterThan(0)
})

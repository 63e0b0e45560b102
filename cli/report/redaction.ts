import { isIP, isIPv6 } from 'node:net'

/** What may be shown to strangers: no secret, and a stable name for each wallet and address. */
export interface Redaction {
  redact(text: string): string
}

const GONE = 'REDACTED'

/**
 * Values that are secret wherever they are. Logs hold what strangers sent, which must not cost more than its length: a repetition has an
 * end, or nothing behind it can make it fail.
 */
const SECRETS: readonly [RegExp, string][] = [
  // Up to the first character that no key has, because a log may end within one.
  [/-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:[\w+/=\s\\:,.]|-(?!----))*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?/g, GONE],
  // Signatures, private keys and hashes: longer than a wallet.
  [/\b0x[0-9a-f]{41,}/gi, GONE],
  [/\b((?:bearer|basic)\s{1,4})[\w.~+/=-]{8,}/gi, `$1${GONE}`],
  [/\b([a-z][a-z\d+.-]{1,20}:\/\/)[^\s/@"':]{0,250}:[^\s/@"']{0,250}@/gi, `$1${GONE}@`],
  [/([?&][\w-]{0,40}(?:token|secret|key|signature|password|sig)=)[^&\s"'\\]+/gi, `$1${GONE}`],
  // As in JSON, YAML, environments and logs. The name of a Secret, or of a key in it, is none.
  [
    /((?:^|[\s{,"'[])[\w.-]{0,40}(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|authorization|credentials?|stream[_-]?key)\\?["']?[ \t]{0,8}[:=][ \t]{0,8}\\?["']?)(?![{[|>&*\s]|null\b|true\b|false\b)[^\s"',}\\]+/gim,
    `$1${GONE}`,
  ],
]

/** Where tokens of three parts with dots between them (RFC 7519) may be. */
const DOTTED = /[\w.-]+/g
/** The first part of a token: an object in base64. */
const FIRST_PART = /\beyJ[\w-]{5}/

/** Reads each character a bounded number of times, however long a token is. */
function withoutTokens(dotted: string): string {
  const parts = dotted.split('.')
  const kept: string[] = []
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? ''
    const start = parts[at + 1] && parts[at + 2] !== undefined ? part.search(FIRST_PART) : -1
    kept.push(start < 0 ? part : `${part.slice(0, start)}${GONE}`)
    if (start >= 0) at += 2
  }
  return kept.join('.')
}

const WALLET = /\b0x[0-9a-f]{40}\b/gi
const IPV4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)/g
const IPV6 = /(?<![\w:.])(?:[\da-f]{0,4}:){2,7}(?:[\da-f]{0,4}|\d{1,3}(?:\.\d{1,3}){3})(?![\w:])/gi
/** They name no machine that others could find. */
const HARMLESS = /^(127\.|0\.0\.0\.0$|255\.|::1?$)/

/**
 * Removes what is secret from texts. A wallet or an IP address has the same pseudonym in all texts of one redaction, in order of appearance,
 * so that lines can be compared; another redaction has others.
 *
 * @param keepsAddresses leaves wallets and IP addresses as they are
 */
export function createRedaction({ keepsAddresses = false } = {}): Redaction {
  const names = new Map<string, string>()
  const counts = { wallet: 0, ip: 0 }
  const nameOf = (kind: keyof typeof counts, value: string): string => {
    const key = value.toLowerCase()
    const known = names.get(key) ?? `${kind}-${++counts[kind]}`
    names.set(key, known)
    return known
  }
  const ip = (text: string): string => (isIP(text) === 0 || HARMLESS.test(text) ? text : nameOf('ip', text))
  return {
    redact(text) {
      const tokenless = text.replaceAll(DOTTED, withoutTokens)
      const secretless = SECRETS.reduce((rest, [pattern, replacement]) => rest.replaceAll(pattern, replacement), tokenless)
      if (keepsAddresses) return secretless
      return secretless
        .replaceAll(WALLET, (wallet) => nameOf('wallet', wallet))
        .replaceAll(IPV6, (address) => (isIPv6(address) ? ip(address) : address))
        .replaceAll(IPV4, ip)
    },
  }
}

import { type ChainKind, chainOf, type Wallet } from './wallet.ts'

/** A request that a wallet signs. */
export interface SignedRequest {
  wallet: Wallet
  /** GET by default. */
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  metadata?: Record<string, unknown>
  /** Sent as JSON. */
  body?: unknown
  /** How the signed text is cased (gatekeeper.md §2.2): by default `legacy`, as explorers do today. */
  format?: 'legacy' | 'current'
  /** Three links by default. */
  chain?: ChainKind
  /** The time of signing that the request claims, in ms; now by default. */
  timestamp?: number
  headers?: Record<string, string>
  /** 10 s by default. */
  timeoutMs?: number
}

const TIMEOUT_MS = 10_000

/** The headers of a signed fetch (gatekeeper.md §2.1) for a path as the client sees it. */
export function signedHeaders(path: string, request: SignedRequest): Record<string, string> {
  const { wallet, method = 'GET', metadata = {}, format = 'legacy', chain = 'three', timestamp = Date.now() } = request
  const metadataText = JSON.stringify(metadata)
  const links = chainOf(chain, wallet, signedText(format, method, path, timestamp, metadataText))
  return {
    ...Object.fromEntries(links.map((link, i) => [`x-identity-auth-chain-${i}`, JSON.stringify(link)])),
    'x-identity-timestamp': String(timestamp),
    'x-identity-metadata': metadataText,
  }
}

/** The text a signed fetch signs. */
export function signedText(
  format: 'legacy' | 'current',
  method: string,
  path: string,
  timestamp: number,
  metadata: string,
): string {
  const place = `${method}:${path}:${timestamp}:`.toLowerCase()
  return place + (format === 'legacy' ? metadata.toLowerCase() : metadata)
}

/** Fetches `url`, signed. @throws when there is no answer in time */
export function signedFetch(url: string, request: SignedRequest): Promise<Response> {
  const { method = 'GET', body, headers, timeoutMs = TIMEOUT_MS } = request
  return fetch(url, {
    method,
    headers: {
      ...signedHeaders(new URL(url).pathname, request),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    signal: AbortSignal.timeout(timeoutMs),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

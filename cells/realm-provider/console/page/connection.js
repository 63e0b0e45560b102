// The feed is read by fetch and not by EventSource, which cannot send the token in a header.

const RETRY_MS = [1000, 2000, 4000, 8000, 15000]
/** The feed says something each second; a silent one is dead. */
const SILENCE_MS = 10000
const TOKEN_KEY = 'console-token'

export const url = (path) => new URL(path, import.meta.url)

export const readToken = () => sessionStorage.getItem(TOKEN_KEY) ?? undefined
export const writeToken = (token) => (token ? sessionStorage.setItem(TOKEN_KEY, token) : sessionStorage.removeItem(TOKEN_KEY))

const headers = () => {
  const token = readToken()
  return token ? { authorization: `Bearer ${token}` } : {}
}

/** JSON of the provider; throws an error with the status and what the provider says. */
export async function ask(path) {
  const answer = await fetch(url(path), { headers: headers(), signal: AbortSignal.timeout(8000) })
  const body = await answer.json().catch(() => ({}))
  if (answer.ok) return body
  throw Object.assign(new Error(body.error ?? `the realm provider answers ${answer.status}`), { status: answer.status })
}

/** Reads the feed until it is stopped, and connects again whenever it ends. */
export function follow({ realm, onEvent, onState }) {
  const stop = new AbortController()
  const path = realm === undefined ? 'feed' : `feed?realm=${encodeURIComponent(realm)}`
  void keepReading(path, stop.signal, onEvent, onState)
  return () => stop.abort()
}

async function keepReading(path, stopped, onEvent, onState) {
  for (let failures = 0; !stopped.aborted; failures++) {
    try {
      await read(path, stopped, (name, data) => {
        failures = 0
        onState('live')
        onEvent(name, data)
      })
    } catch (error) {
      if (stopped.aborted) return
      if (error.status === 401) {
        onState('locked')
        return
      }
      onState('lost', error.message)
    }
    await new Promise((resolve) =>
      setTimeout(resolve, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] * (0.8 + Math.random() * 0.4)),
    )
  }
}

async function read(path, stopped, onEvent) {
  const silence = new AbortController()
  const answer = await fetch(url(path), { headers: headers(), signal: AbortSignal.any([stopped, silence.signal]) })
  if (!answer.ok) throw Object.assign(new Error(`the realm provider answers ${answer.status}`), { status: answer.status })
  let timer
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), SILENCE_MS)
  }
  heard()
  try {
    let text = ''
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      heard()
      const events = (text + part.value).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? []
        if (name) onEvent(name, JSON.parse(data))
      }
    }
  } finally {
    clearTimeout(timer)
  }
}

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'

const CANDIDATES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const START_MS = 30_000

/** The browser of this machine; undefined where there is none. */
export const chromiumPath = (): string | undefined => CANDIDATES.find((path) => path !== undefined && existsSync(path))

type Send = (method: string, params?: Record<string, unknown>) => Promise<Record<string, unknown>>

/** A page in a browser without a window. */
export interface BrowserPage {
  /** What the page and its console complained of. */
  readonly complaints: readonly string[]
  open(url: string): Promise<void>
  /** Of the window in CSS pixels; a touch screen below 600. */
  resize(width: number, height: number): Promise<void>
  /** What the system prefers. */
  prefer(theme: 'light' | 'dark'): Promise<void>
  /** The value of an expression, awaited where it is a promise. */
  read<Value>(expression: string): Promise<Value>
  /** Presses a key, such as `Enter` or `/`. */
  press(key: string): Promise<void>
  /** A PNG of the window. */
  screenshot(): Promise<Buffer>
}

/** Starts a browser of its own profile. @throws Error where there is none */
export async function startBrowser(): Promise<{ page: BrowserPage; stop: () => Promise<void> }> {
  const path = chromiumPath()
  if (!path) throw new Error('there is no Chromium on this machine')
  const profile = await mkdtemp(join(tmpdir(), 'browser-'))
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--remote-debugging-port=0',
    '--no-first-run',
    '--hide-scrollbars',
  ]
  const child = spawn(path, [...flags, `--user-data-dir=${profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const address = await new Promise<string>((resolve, reject) => {
      let text = ''
      const late = setTimeout(() => reject(new Error(`the browser did not start: ${text}`)), START_MS)
      child.stderr.setEncoding('utf8').on('data', (part: string) => {
        text = (text + part).slice(-4_000)
        const [, found] = /DevTools listening on (\S+)/.exec(text) ?? []
        if (found) resolve(found)
        if (found) clearTimeout(late)
      })
      child.once('error', reject)
    })
    return { page: await openPage(address), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function openPage(address: string): Promise<BrowserPage> {
  const complaints: string[] = []
  const send = await connect(address, (method, params) => complaints.push(...complaintsIn(method, params)))
  await send('Runtime.enable')
  await send('Log.enable')
  await send('Page.enable')
  const read = async <Value>(expression: string): Promise<Value> => {
    const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails).slice(0, 500))
    return (result as { value: Value }).value
  }
  return {
    complaints,
    open: async (url) => {
      await send('Page.navigate', { url })
    },
    resize: async (width, height) => {
      const isMobile = width < 600
      await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: isMobile ? 2 : 1, mobile: isMobile })
    },
    prefer: async (theme) => {
      await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: theme }] })
    },
    read,
    press: async (key) => {
      const text = key.length === 1 ? { text: key } : key === 'Enter' ? { text: '\r' } : {}
      await send('Input.dispatchKeyEvent', { type: 'keyDown', key, ...text })
      await send('Input.dispatchKeyEvent', { type: 'keyUp', key })
    },
    screenshot: async () => Buffer.from(String((await send('Page.captureScreenshot', { format: 'png' })).data), 'base64'),
  }
}

function complaintsIn(method: string, params: Record<string, unknown>): string[] {
  const shown = JSON.stringify(params).slice(0, 600)
  if (method === 'Runtime.exceptionThrown') return [shown]
  if (method === 'Runtime.consoleAPICalled' && params.type === 'error') return [shown]
  if (method === 'Log.entryAdded' && (params.entry as { level?: string }).level === 'error') return [shown]
  return []
}

/** Speaks the DevTools protocol with the first page. */
async function connect(address: string, onEvent: (method: string, params: Record<string, unknown>) => void): Promise<Send> {
  const socket = new WebSocket(address, { maxPayload: 256 * 1024 * 1024 })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const waiting = new Map<number, { resolve: (result: Record<string, unknown>) => void; reject: (error: Error) => void }>()
  let last = 0
  socket.on('message', (bytes: Buffer) => {
    const message = JSON.parse(bytes.toString()) as {
      id?: number
      method?: string
      params?: Record<string, unknown>
      result?: Record<string, unknown>
      error?: { message: string }
    }
    if (message.id === undefined) return onEvent(message.method ?? '', message.params ?? {})
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error) asked?.reject(new Error(message.error.message))
    else asked?.resolve(message.result ?? {})
  })
  const ask = (method: string, params: Record<string, unknown>, session: Record<string, unknown>) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const id = ++last
      waiting.set(id, { resolve, reject })
      socket.send(JSON.stringify({ id, method, params, ...session }))
    })
  const { targetInfos } = await ask('Target.getTargets', {}, {})
  const page = (targetInfos as { type: string; targetId: string }[]).find(({ type }) => type === 'page')
  const { sessionId } = await ask('Target.attachToTarget', { targetId: page?.targetId, flatten: true }, {})
  return (method, params = {}) => ask(method, params, { sessionId })
}

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPage, startBrowser } from '../../testing/browser.ts'
import { runCommand } from '../../testing/parts/command.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { root } from '../house/sources.ts'
import { bookPathOf } from './pages.ts'
import { bookPages } from './written-pages.ts'

// The book as people read it. With BOOK_PICTURES=folder the pictures of two pages are kept there.

const folder = mkdtempSync(join(tmpdir(), 'book-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
/** It takes ten seconds on two cores with nothing else to do. */
const BUILD_MS = 180_000
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

beforeAll(
  () =>
    runCommand(process.execPath, ['tools/book/main.ts', folder], {
      cwd: root,
      env: { ...process.env, NODE_ENV: 'production' },
      timeoutMs: BUILD_MS,
    }),
  BUILD_MS,
)

const filesOf = (ending: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ending))

describe('the book', () => {
  test('has every page', () => {
    const written = bookPages().map(({ file }) => bookPathOf(file)?.replace(/\.md$/, '.html'))
    expect(written.length).toBeGreaterThan(80)
    expect(written.filter((file) => !existsSync(join(folder, file ?? '')))).toEqual([])
  })

  test('has no link to a page, an anchor, a picture or a file that is not there', () => {
    const htmlOf = new Map(filesOf('.html').map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
    const idsOf = new Map(
      [...htmlOf].map(([file, html]) => [file, new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id))]),
    )
    const leads = (from: string, link: string) => {
      const { pathname, hash } = new URL(link, `http://book/${from}`)
      const path = decodeURIComponent(pathname.slice(1)) + (pathname.endsWith('/') ? 'index.html' : '')
      if (!existsSync(join(folder, path))) return false
      return hash === '' || (idsOf.get(path)?.has(decodeURIComponent(hash.slice(1))) ?? false)
    }
    const links = [...htmlOf].flatMap(([file, html]) =>
      [...html.matchAll(/\s(?:href|src)="([^"]+)"/g)].map(([, link = '']) => ({ file, link: link.replaceAll('&amp;', '&') })),
    )
    expect(links.length).toBeGreaterThan(3_000)
    const inside = links.filter(({ link }) => !/^(https?|mailto|decentraland|data):/.test(link))
    expect(inside.filter(({ file, link }) => !leads(file, link))).toEqual([])
  })
})

/** Serves the folder as any server of files would. */
async function serveBook(): Promise<{ url: string; stop: () => void }> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '', 'http://book').pathname))
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
    if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end()
    return response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}

withPart('chromium', 'a reader with a browser', (path) => {
  let browser: Browser
  let book: Awaited<ReturnType<typeof serveBook>>

  beforeAll(async () => {
    book = await serveBook()
    browser = await startBrowser(path)
  })
  afterAll(async () => {
    await browser.close()
    book.stop()
  })

  test.each(['light', 'dark'] as const)(
    'finds a command by searching, asks no other host, and reads it in a %s theme',
    async (theme) => {
      const { page, complaints } = await openPage(browser, [1280, 900], theme)
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      await page.goto(`${book.url}/concepts/slot.html`)
      await page.waitForSelector('.vp-doc img')
      expect(await page.evaluate(`document.documentElement.classList.contains('dark')`)).toBe(theme === 'dark')
      const pictures = process.env.BOOK_PICTURES
      if (pictures) await page.screenshot({ path: join(pictures, `concept-${theme}.png`) })
      await page.keyboard.press('Control+k')
      await page.fill('#localsearch-input', 'cordon')
      await page.waitForSelector('#localsearch-list .result')
      if (pictures) await page.screenshot({ path: join(pictures, `search-${theme}.png`) })
      await page.keyboard.press('Enter')
      await expect.poll(() => page.evaluate(`document.querySelector('.vp-doc')?.textContent.includes('cordon')`)).toBe(true)
      expect(asked.filter((url) => !url.startsWith(book.url) && !url.startsWith('data:'))).toEqual([])
      expect(asked.length).toBeGreaterThan(5)
      expect(complaints).toEqual([])
      await page.context().close()
    },
  )
})

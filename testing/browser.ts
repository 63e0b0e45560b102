import { type Browser, chromium, type Page } from 'playwright-core'

// A page under test finds what it needs at its own host, so the browser asks nothing else of the network.
const ALONE = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic']

/** A page in a browser without a window, and what the page and its console complained of. */
export interface WatchedPage {
  page: Page
  complaints: readonly string[]
}

/** Starts the browser at `path`. As root it runs without its sandbox, which it would refuse. */
export const startBrowser = (path: string): Promise<Browser> =>
  chromium.launch({ executablePath: path, chromiumSandbox: process.getuid?.() !== 0, args: ALONE })

/** Opens a page of its own profile and notes its errors. Widths below 600 are those of a phone with a touch screen. */
export async function openPage(
  browser: Browser,
  [width, height]: readonly [number, number],
  colorScheme: 'light' | 'dark' = 'light',
): Promise<WatchedPage> {
  const isMobile = width < 600
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    isMobile,
    hasTouch: isMobile,
    deviceScaleFactor: isMobile ? 2 : 1,
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  return { page, complaints }
}

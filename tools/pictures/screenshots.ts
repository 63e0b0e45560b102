import type { Browser } from 'playwright-core'
import { openPage, startBrowser } from '../../testing/browser.ts'
import { SCREENS } from '../../testing/console/screens.ts'
import { startConsoleSite } from '../../testing/console/site.ts'

/** A picture of a page of the console. */
interface Screenshot {
  /** Players of the simulated crowd, which is the same each time. */
  peers: number
  page: string
  screen: keyof typeof SCREENS
  theme: 'light' | 'dark'
}

/** The screenshots of the book, by their paths. */
export const screenshots: Readonly<Record<string, Screenshot>> = {
  'docs/console-wall-dark.png': { peers: 100_000, page: '/console', screen: 'wall', theme: 'dark' },
  'docs/console-realm-light.png': { peers: 100_000, page: '/console#/realm/realms/main', screen: 'laptop', theme: 'light' },
  'docs/console-phone-light.png': { peers: 5_000, page: '/console', screen: 'phone', theme: 'light' },
}

/** After which rates and lines are known. */
const SETTLED_MS = 16_000
/** Until the page has drawn what it was sent. */
const DRAWN_MS = 3_000
const LIVE = `document.querySelector('.link-state')?.className.includes('live') && document.querySelector('canvas')?.width > 0`

/** Takes pictures of the running console. @param take is given each picture, and the browser it was taken in */
export async function takeScreenshots(
  chromium: string,
  take: (path: string, png: Buffer, browser: Browser) => Promise<void>,
): Promise<void> {
  const browser = await startBrowser(chromium)
  try {
    for (const [peers, ofSite] of Map.groupBy(Object.entries(screenshots), ([, { peers }]) => peers)) {
      const site = await startConsoleSite(peers)
      try {
        await new Promise((resolve) => setTimeout(resolve, SETTLED_MS))
        for (const [path, { page: at, screen, theme }] of ofSite) {
          const { page } = await openPage(browser, SCREENS[screen], theme)
          await page.goto(`${site.url}${at}`)
          await page.waitForFunction(LIVE)
          await page.waitForTimeout(DRAWN_MS)
          await take(path, await page.screenshot(), browser)
          await page.context().close()
        }
      } finally {
        await site.stop()
      }
    }
  } finally {
    await browser.close()
  }
}

/** How much two colours of a pixel differ before an eye sees it, of 255. */
const VISIBLE = 32

/** The share of pixels that differ to the eye; 1 for pictures of different sizes. */
export async function differenceOf(browser: Browser, before: Buffer, after: Buffer): Promise<number> {
  const page = await browser.newPage()
  try {
    const urls = [before, after].map((png) => `data:image/png;base64,${png.toString('base64')}`)
    return await page.evaluate<number>(`(async () => {
      const [one, other] = await Promise.all(${JSON.stringify(urls)}.map(async (url) => {
        const image = new Image()
        image.src = url
        await image.decode()
        const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
        const context = canvas.getContext('2d')
        context.drawImage(image, 0, 0)
        return context.getImageData(0, 0, image.width, image.height)
      }))
      if (one.width !== other.width || one.height !== other.height) return 1
      let different = 0
      for (let at = 0; at < one.data.length; at += 4)
        if ([0, 1, 2].some((channel) => Math.abs(one.data[at + channel] - other.data[at + channel]) > ${VISIBLE})) different++
      return different / (one.width * one.height)
    })()`)
  } finally {
    await page.close()
  }
}

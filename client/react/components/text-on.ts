/** Black or white, whichever can be read on a colour. */

/** `#rgb` and `#rrggbb` are looked at; on any other colour the text is white, as most are dark. */
export function textOn(color: string): '#000' | '#fff' {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(color)?.[1]
  if (digits === undefined) return '#fff'
  const wide = digits.length === 3 ? digits.replace(/./g, '$&$&') : digits
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map(at => linear(wide.slice(at, at + 2)))
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
  // The contrasts with black and with white, as WCAG reckons them.
  return (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) ? '#000' : '#fff'
}

function linear(hex: string): number {
  const part = Number.parseInt(hex, 16) / 255
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
}

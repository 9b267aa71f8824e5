import { renderSVG, renderUnicodeCompact } from 'uqr';

/** A QR code for a screen, as SVG. */
export function qrCodeSvg(url: string): string {
  return renderSVG(url, { border: 4 });
}

/** A QR code for a terminal, in characters that are half a module high. */
export function qrCodeText(url: string): string {
  return renderUnicodeCompact(url, { border: 2 });
}

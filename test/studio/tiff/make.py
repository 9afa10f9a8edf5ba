"""The TIFF files beside this script, written by Pillow 13: python make.py"""
import numpy as np
from PIL import Image, TiffImagePlugin

rows, columns = np.mgrid[0:37, 0:53]
rgb = np.stack([columns * 4, rows * 6, (columns + rows) * 2], -1).astype(np.uint8)
rgb[5:15, 8:20] = (250, 20, 40)
colour = Image.fromarray(rgb)
grey = colour.convert("L")
deep = Image.fromarray((rows * 1700 + columns * 37).astype(np.uint16))
alpha = colour.convert("RGBA")
alpha.putalpha(Image.fromarray((columns * 4).astype(np.uint8)))

colour.save("plain.tif")
for name, compression in [("lzw", "tiff_lzw"), ("deflate", "tiff_adobe_deflate"), ("packbits", "packbits"), ("jpeg", "jpeg")]:
    colour.save(f"{name}.tif", compression=compression)
predicted = TiffImagePlugin.ImageFileDirectory_v2()
predicted[317] = 2
colour.save("lzw-predicted.tif", compression="tiff_lzw", tiffinfo=predicted)
deep.save("grey-16.tif", compression="tiff_deflate")
deep.save("grey-16-predicted.tif", compression="tiff_lzw", tiffinfo=predicted)
grey.save("grey.tif", compression="tiff_lzw")
colour.quantize(16).save("palette.tif", compression="tiff_lzw")
grey.convert("1").save("bits.tif")
alpha.save("alpha.tif")
for orientation in (3, 6, 7):
    turned = TiffImagePlugin.ImageFileDirectory_v2()
    turned[274] = orientation
    colour.save(f"orientation-{orientation}.tif", compression="tiff_lzw", tiffinfo=turned)

grey.convert("1").save("fax.tif", compression="group4")

"""Colour science on plain numpy arrays: the channel axis is the last, nothing is read or written.

srgb            sRGB encoding and linear light; the matrix and the white point of everything here
lab             sRGB <-> CIE Lab, lightness of grey values, the fast way for 8-bit pictures
luma            sRGB <-> full-range BT.601 Y'CbCr, the space in which JPEG stores a picture
gamut           less chroma, same lightness and hue, until a colour fits into sRGB
bins            the 313 ab bins, soft targets, point estimates of a distribution over the bins
difference      CIEDE2000
colourfulness   how colourful a picture looks to people
"""

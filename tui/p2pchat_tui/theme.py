"""Colours for dark and for light rooms; text keeps a contrast of 4.5 and more on both."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="p2pchat-dark",
    primary="#5cc8a8",
    secondary="#7fb4e6",
    accent="#e8b75a",
    success="#7fcf8a",
    warning="#e8b75a",
    error="#f0787c",
    foreground="#d9dee6",
    background="#11151b",
    surface="#171c24",
    panel="#202733",
    dark=True,
    variables={
        "muted": "#8b96a5",
        "mine": "#1b2e2d",
        "block-cursor-background": "#2b3646",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#222b38",
        "footer-background": "#171c24",
        "footer-key-foreground": "#5cc8a8",
        "footer-description-foreground": "#8b96a5",
        "border": "#5cc8a8",
        "border-blurred": "#2a3341",
        "scrollbar": "#2a3341",
        "scrollbar-background": "#11151b",
        "scrollbar-corner-color": "#11151b",
        "button-color-foreground": "#0d1217",
    },
)

LIGHT: Final = Theme(
    name="p2pchat-light",
    primary="#0d7460",
    secondary="#1f5f9e",
    accent="#945600",
    success="#1d7332",
    warning="#945600",
    error="#b3262e",
    foreground="#22272e",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e9e6df",
    dark=False,
    variables={
        "muted": "#686e76",
        "mine": "#e0f0eb",
        "block-cursor-background": "#d5dfdc",
        "block-cursor-foreground": "#101418",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#e4e6e2",
        "footer-background": "#f3f1ec",
        "footer-key-foreground": "#0d7460",
        "footer-description-foreground": "#686e76",
        "border": "#0d7460",
        "border-blurred": "#d6d2c8",
        "scrollbar": "#cfcabf",
        "scrollbar-background": "#fbfaf7",
        "scrollbar-corner-color": "#fbfaf7",
        "button-color-foreground": "#ffffff",
    },
)

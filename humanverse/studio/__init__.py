"""A page on which a skeleton is drawn or chosen, a prompt typed, and the pictures looked at that are made of them.

The page itself (``page.py``) needs Gradio; the rest does not.
"""

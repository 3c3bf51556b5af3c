from ..prefix import PREFIX

NAMES = dict(click=PREFIX + "clicks", order="%s%s" % (PREFIX, "orders"))

"""A community to play with. Its numbers belong to nobody: no campaign is started here, and nothing
is asked of any provider."""

from django.db import transaction

from credits import services
from credits.csv_lines import MemberLine
from credits.models import Community

SLUG = "demo-book-club"
CREDITS = 100
NAMES = """
    Ada Amir Anouk Ben Bilge Carla Chen Dana Emre Eva Farid Finn Greta Hana Ida Ivo Jale Jonas Kim
    Lea Luis Mara Milo Nele Noor Olga Oskar Paula Rafi Rosa Sami Selma Tariq Tessa Umut Vera Wim
    Yara Zoe Zora
"""


def load_demo_community() -> int:
    """Create the demo community with its members and credits; returns how many members are new.

    A second call changes nothing: what has been spent stays spent.
    """
    with transaction.atomic():
        if Community.objects.filter(slug=SLUG).exists():
            return 0
        services.create_community(slug=SLUG, name="Demo book club")
        services.buy_credits(slug=SLUG, amount=CREDITS, actor="demo", key="demo")
        lines = [
            MemberLine(line=number, name=name, phone=f"+49151{99_000_000 + number}")
            for number, name in enumerate(NAMES.split(), start=2)
        ]
        return services.import_members(lines, slug=SLUG).created
